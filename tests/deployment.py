"""An installation with processes of its own: API, workers, PostgreSQL and Meilisearch."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from conftest import PASSWORD, PROGRAM, free_port, meilisearch_process
from proxy import Proxy, proxying

MASTER = "a master key for the tests"


def wait(done: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What a condition gives when it holds; fails where it does not in time."""
    limit = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.1)
    return found


@dataclass
class Deployment:
    """One installation: its settings, and its processes."""

    settings: dict[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    clients: list[httpx.Client] = field(default_factory=list)

    def command(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            env={**os.environ, **self.settings, **settings},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def done(self, *arguments: str, **settings: str) -> str:
        """The output of a command that must succeed."""
        finished = self.command(*arguments, **settings)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        with (Path(self.settings["KCT_DATA_DIR"]) / "processes.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, *arguments],
                env={**os.environ, **self.settings, **settings},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.processes.append(process)
        return process

    def serve(self, **settings: str) -> httpx.Client:
        """A caller, signed in as an administrator, of a served process."""
        process = self.start("serve", "--port", "0", **settings)
        assert process.stdout is not None
        base = process.stdout.readline().split()[1].removesuffix("/v1")
        client = httpx.Client(base_url=base, trust_env=False, timeout=30)
        self.clients.append(client)

        def ready() -> bool:
            try:
                return client.get("/health/ready").status_code == 200
            except httpx.TransportError:
                return False

        wait(ready, 30)
        form = {"username": "root", "password": PASSWORD}
        token = client.post("/v1/auth/token", data=form).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        for process in self.processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        self.clients.clear()
        self.processes.clear()


@contextmanager
def installed(server: str, folder: Path, **settings: str) -> Iterator[Deployment]:
    """An installation on a database of its own, with an administrator and a university."""
    name = f"production_{os.urandom(8).hex()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = server.replace("postgresql:", "postgresql+psycopg:").replace("/postgres?", f"/{name}?")
    deployment = Deployment(
        {
            "KCT_DATA_DIR": str(folder),
            "KCT_DATABASE_URL": url,
            "KCT_EMBEDDINGS": "none",
            "KCT_SECRET_KEY": "0123456789abcdef0123456789abcdef",
            **settings,
        }
    )
    try:
        yield deployment
    finally:
        deployment.stop()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def populate(deployment: Deployment) -> None:
    deployment.done("organization", "create", "蜀江大学", "--kind", "university")
    deployment.done("user", "create", "root", "--administrator", KCT_NEW_PASSWORD=PASSWORD)


@dataclass
class Production(Deployment):
    """One with a Meilisearch server behind a proxy."""

    proxy: Proxy = field(default_factory=lambda: Proxy(""))
    folder: Path = Path()
    port: int = 0
    search: dict[str, str] = field(default_factory=dict)
    running: Any = None

    def start_meilisearch(self) -> None:
        self.running = meilisearch_process(self.folder, self.port, MASTER)
        self.server = self.running.__enter__()

    def kill_meilisearch(self) -> None:
        self.server.send_signal(signal.SIGKILL)
        self.running.__exit__(None, None, None)


@contextmanager
def in_production(server: str, folder: Path, **settings: str) -> Iterator[Production]:
    """A deployment on PostgreSQL and Meilisearch, migrated, with its keys made."""
    port = free_port()
    with (
        proxying(f"http://127.0.0.1:{port}") as proxy,
        installed(
            server,
            folder / "data",
            KCT_SEARCH="meilisearch",
            KCT_MEILISEARCH_URL=proxy.url,
            KCT_ENVIRONMENT="production",
            # What is measured here is not how often one may ask.
            KCT_RATE_PER_ADDRESS="none",
            KCT_RATE_PER_CALLER="none",
            **settings,
        ) as deployment,
    ):
        (folder / "meilisearch").mkdir()
        one = Production(
            deployment.settings,
            deployment.processes,
            deployment.clients,
            proxy=proxy,
            folder=folder / "meilisearch",
            port=port,
        )
        one.start_meilisearch()
        told = one.done("migrate", KCT_MEILISEARCH_MASTER_KEY=MASTER)
        search, write = re.findall(r"[0-9a-f]{64}", told)
        one.settings["KCT_MEILISEARCH_KEY"] = write
        one.search = {"KCT_MEILISEARCH_KEY": search}
        populate(one)
        try:
            yield one
        finally:
            one.kill_meilisearch()
