"""Matching at a hundred thousand achievements: times, ratios and memory, printed.

    PYTHONPATH=tests python tests/bench/matches.py [--achievements 100000] [--requests 200]
        [--demands 2000] [--meilisearch]

Texts recombine the sample's sentences, vectors are random ones near real ones. Nothing here is a
test: what is to be compared is measured in one run. With `--meilisearch` the same records are
indexed and matched on a server of that engine, too (a binary on the path).
"""

import argparse
import asyncio
import random
import resource
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import free_port, meilisearch_process
from kechuangtong.app import create_app
from kechuangtong.core import migrations
from kechuangtong.core.db import Database, new_id
from kechuangtong.core.trade import OrganizationKind, Price, PriceKind
from kechuangtong.lists.service import identity_of
from kechuangtong.matching import store
from kechuangtong.matching.embedding import ROLE, Vector
from kechuangtong.matching.profiles import text_hash
from kechuangtong.matching.router import matcher
from kechuangtong.matching.runs.whole import match_all
from kechuangtong.models import Achievement, Demand, Organization
from kechuangtong.models.listing import ListingState
from kechuangtong.runtime import Runtime, open_runtime
from kechuangtong.sample.service import records
from kechuangtong.search.drain import MODELS
from kechuangtong.search.indexing import writing
from kechuangtong.search.marks import mark
from kechuangtong.settings import Settings

BATCH = 2_000
RANDOM = random.Random(1)
NUMBERS = np.random.default_rng(1)


def sentences(kind: str) -> tuple[list[str], list[str]]:
    """The sample's titles and the sentences of its descriptions."""
    chosen = [one for one in records() if one["kind"] == kind]
    texts = [one["description"] for one in chosen]
    return [one["title"] for one in chosen], [
        part for text in texts for part in text.split("。") if part
    ]


async def fill(
    runtime: Runtime, kind: str, count: int, real: list[Vector]
) -> list[Achievement | Demand]:
    """Store published records with their vectors, and mark them for the index."""
    titles, parts = sentences(kind)
    model = Achievement if kind == "achievement" else Demand
    list_kind = next(one for one, found in MODELS.items() if found is model)
    async with runtime.database.write() as session:
        owner = Organization(
            id=new_id(), name=kind, name_key=kind, kind=OrganizationKind.UNIVERSITY
        )
        session.add(owner)
    made: list[Achievement | Demand] = []
    for start in range(0, count, BATCH):
        batch = []
        for number in range(start, min(start + BATCH, count)):
            title = "与".join(RANDOM.sample(titles, 2))[:190]
            text = "。".join(RANDOM.sample(parts, 5))[:200]
            price = {"price" if model is Achievement else "budget": Price(PriceKind.UNKNOWN)}
            batch.append(
                model(
                    id=new_id(),
                    organization_id=owner.id,
                    identity=identity_of(f"{kind}{number}", ""),
                    title=title,
                    description=text,
                    keywords=[],
                    cooperation=[],
                    stored_state=ListingState.PUBLISHED,
                    published_at=datetime.now(UTC),
                    **price,
                    **(
                        {"intellectual_property": [], "evaluations": []}
                        if model is Achievement
                        else {}
                    ),
                )
            )
        near = np.stack([real[RANDOM.randrange(len(real))] for _ in range(2 * len(batch))])
        near = near + NUMBERS.normal(scale=0.02, size=near.shape)
        near /= np.linalg.norm(near, axis=1, keepdims=True)
        vectors = {}
        for place, record in enumerate(batch):
            inputs = store.inputs(record)
            vectors[text_hash(inputs.title)] = near[2 * place].astype(np.float32)
            vectors[text_hash(inputs.text)] = near[2 * place + 1].astype(np.float32)
        assert runtime.embedder is not None
        async with runtime.database.write() as session:
            session.add_all(batch)
            await mark(session, list_kind, [one.id for one in batch])
            await store.keep_vectors(session, runtime.embedder.model, ROLE[list_kind], vectors)
        made += batch
    return made


async def timed(call: Callable[[], Awaitable[httpx.Response]], times: int) -> list[float]:
    """Milliseconds of so many calls, after two that warm up."""
    took = []
    for number in range(times + 2):
        start = time.perf_counter()
        answer = await call()
        assert answer.status_code == 200, answer.text
        if number >= 2:
            took.append((time.perf_counter() - start) * 1000)
    return took


def told(name: str, took: list[float]) -> float:
    """Print the median and the 99th percentile; the median."""
    middle = statistics.median(took)
    print(f"{name:<44} median {middle:7.1f} ms   p99 {np.percentile(took, 99):7.1f} ms")
    return middle


async def measure(size: int, requests: int, on_meilisearch: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), database_url=None)
        async with open_runtime(settings) as runtime:
            await migrations.migrate(runtime.database)
            assert runtime.embedder is not None, "there is no embedding model for this platform"
            titles, parts = sentences("achievement")
            real = list(runtime.embedder.embed("passage", (titles + parts)[:200]))
            await fill(runtime, "achievement", size, real)
            demands = await fill(runtime, "demand", whole if size == largest else 200, real)
            begun = time.perf_counter()
            async with writing(runtime) as indexer:
                await indexer.words()
                await indexer.vectors()
            told_index("embedded", size, begun, settings.index_dir)
        median = await matched(settings, demands, requests, bare=size == largest)
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        if size == largest:
            await whole_lists(settings, len(demands), size)
        if on_meilisearch:
            await beside(settings, size, demands, requests)
    return median


async def whole_lists(settings: Settings, demands: int, achievements: int) -> None:
    """All demands against all achievements, as `kechuangtong match` does it."""
    async with open_runtime(settings) as runtime:
        begun = time.perf_counter()
        found = await match_all(runtime.database, matcher(runtime), lambda *_: None)
        took = time.perf_counter() - begun
    print(
        f"{demands} demands against {achievements} achievements in {took:.0f} s: "
        f"{demands * achievements / took / 1e6:.2f} million pairs a second, {len(found.items)} kept"
    )


async def beside(
    settings: Settings, size: int, demands: list[Achievement | Demand], requests: int
) -> None:
    """The same records, indexed and matched by Meilisearch."""
    key, port = "a master key for the benchmark", free_port()
    folder = settings.data_dir / "meilisearch"
    folder.mkdir()
    with meilisearch_process(folder, port, key) as process:
        there = settings.model_copy(
            update={
                "search": "meilisearch",
                "meilisearch_url": f"http://127.0.0.1:{port}",
                "meilisearch_key": SecretStr(key),
            }
        )
        begun = time.perf_counter()
        async with open_runtime(there) as runtime, writing(runtime):
            pass  # an index that is not there is built when it is opened
        told_index("meilisearch", size, begun, folder)
        await matched(there, demands, requests, bare=False)
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        print(f"peak memory of the server {int(peak.split()[1]) / 1024:.0f} MB")


def told_index(engine: str, size: int, begun: float, folder: Path) -> None:
    """Print how long it took to index, and how much room it takes."""
    took = time.perf_counter() - begun
    room = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    print(f"\n{engine}: {size} achievements indexed in {took:.0f} s, {room:.0f} MB on disk")


async def matched(
    settings: Settings, demands: list[Achievement | Demand], requests: int, *, bare: bool
) -> float:
    """Times of matches over HTTP, printed; the median where the vector is known."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        chosen = iter(demands * requests)
        known = await timed(
            lambda: client.get(f"/v1/demands/{next(chosen).id}/matches?limit=10"), requests
        )
        median = told("matches of a demand, vector known", known)
        _, parts = sentences("demand")
        texts = iter(["。".join(RANDOM.sample(parts, 4)) for _ in range(requests + 2)])
        free = await timed(
            lambda: client.post("/v1/matches/search", json={"text": next(texts), "limit": 10}),
            min(requests, 50),
        )
        embedder = app.state.runtime.embedder
        start = time.perf_counter()
        embedder.embed("query", ["。".join(RANDOM.sample(parts, 4))[:160] for _ in range(20)])
        each = (time.perf_counter() - start) / 20 * 1000
        told(f"matches of a free text (a vector {each:.0f} ms each)", free)
        if bare:
            await against_bare(app, client, demands)
    return median


async def against_bare(
    app: FastAPI, client: httpx.AsyncClient, demands: list[Achievement | Demand]
) -> None:
    """Reading one record, against a bare route on the same database."""
    bare = FastAPI()
    database: Database = app.state.runtime.database

    @bare.get("/{record_id}")
    async def read(record_id: str) -> dict[str, str]:
        async with AsyncSession(database.engine) as session:
            record = (
                await session.scalars(select(Demand).where(Demand.id == uuid.UUID(record_id)))
            ).one()
            return {"id": str(record.id), "title": record.title}

    transport = httpx.ASGITransport(bare)
    async with httpx.AsyncClient(transport=transport, base_url="http://bare") as other:
        ours = await timed(lambda: client.get(f"/v1/demands/{demands[0].id}"), 500)
        theirs = await timed(lambda: other.get(f"/{demands[0].id}"), 500)
    ratio = told("bare route", theirs) / told("reading a record", ours)
    print(f"reading a record runs at {ratio:.2f} of a bare route's rate")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--achievements", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--demands", type=int, default=2_000, help="for the whole lists")
    parser.add_argument("--meilisearch", action="store_true")
    chosen_size = parser.parse_args()
    largest, whole = chosen_size.achievements, chosen_size.demands
    small = asyncio.run(measure(largest // 10, chosen_size.requests, False))
    large = asyncio.run(measure(largest, chosen_size.requests, chosen_size.meilisearch))
    print(f"ten times the achievements take {large / small:.2f} times as long")
