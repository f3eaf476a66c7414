"""How soon pages show what they are for, at a hundred thousand achievements: printed.

    PYTHONPATH=tests python tests/bench/pages.py [--achievements 100000] [--times 5] [--data DIR]

A tenth as many demands. Texts recombine the sample's sentences; there are no vectors, so that
filling takes some minutes: matches are found by words alone. Each page is opened in Chromium, on a
desktop and on a phone, each time with an empty cache. Printed are the largest contentful
paint (LCP) and the time to the document's first byte, both from the beginning of the navigation.
With `--data` the folder is kept, and a filled one is used again. Nothing here is a test.
"""

import argparse
import asyncio
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright
from sqlalchemy import func, select

from conftest import free_port
from kechuangtong.accounts.service import create_user
from kechuangtong.core import migrations
from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.core.trade import (
    Cooperation,
    ListKind,
    OrganizationKind,
    Price,
    PriceKind,
    Stage,
)
from kechuangtong.lists.service import identity_of
from kechuangtong.models import Achievement, Demand, Interest, Introduction, Notice, Organization
from kechuangtong.models.interest import DeclineReason, InterestState
from kechuangtong.models.listing import ListingState
from kechuangtong.models.notice import NoticeKind
from kechuangtong.runtime import Runtime, open_runtime
from kechuangtong.sample.service import records
from kechuangtong.search.indexing import writing
from kechuangtong.search.marks import mark
from kechuangtong.settings import Settings

BATCH = 2_000
OWNERS = 400
INTERESTS = 2_000
RANDOM = random.Random(1)
NAME, PASSWORD = "bench", "a password for the benchmark"
SIZES = {"desktop": (1280, 800), "phone": (360, 740)}
WAITS = """
() => new Promise((done) => {
  const first = performance.getEntriesByType("navigation")[0].responseStart;
  new PerformanceObserver((list) => done([list.getEntries().at(-1).startTime, first]))
    .observe({type: "largest-contentful-paint", buffered: true});
  setTimeout(() => done([NaN, first]), 5000);
})
"""


def record(kind: ListKind, number: int, owners: list[uuid.UUID]) -> Achievement | Demand:
    """A published record of one of the owners; the first has more of them than the others."""
    of_kind = SAMPLE[kind]
    texts = [one["description"] for one in RANDOM.sample(of_kind, 5)]
    published = now() - timedelta(days=RANDOM.randrange(700))
    low = Decimal(RANDOM.randrange(5, 500) * 10_000)
    price = RANDOM.choice(
        [Price(PriceKind.FIXED, low, low), Price(PriceKind.NEGOTIABLE), Price(PriceKind.UNKNOWN)]
    )
    common: dict[str, Any] = {
        "id": new_id(),
        "organization_id": owners[0] if number < 1000 else RANDOM.choice(owners),
        "identity": identity_of(f"{kind}{number}", ""),
        "title": "与".join(one["title"] for one in RANDOM.sample(of_kind, 2))[:190],
        "description": "".join(texts)[:600],
        "field": RANDOM.choice(of_kind)["field"],
        "keywords": RANDOM.choice(of_kind).get("keywords", []),
        "cooperation": [one.value for one in RANDOM.sample(list(Cooperation), 2)],
        "place": RANDOM.choice(of_kind).get("place"),
        "stored_state": ListingState.PUBLISHED,
        "created_at": published,
        "published_at": published,
    }
    stage = RANDOM.choice([*Stage, None])
    if kind is ListKind.DEMAND:
        return Demand(**common, budget=price, required_stage=stage, anonymous=number % 5 == 0)
    return Achievement(**common, price=price, stage=stage, intellectual_property=[], evaluations=[])


def interest(subject: Achievement, by: uuid.UUID) -> Interest:
    """An interest in an achievement, answered."""
    begun = now() - timedelta(days=RANDOM.randrange(1, 300))
    state = RANDOM.choice(list(InterestState))
    return Interest(
        id=new_id(),
        subject_kind=ListKind.ACHIEVEMENT,
        achievement_id=subject.id,
        organization_id=by,
        owner_id=subject.organization_id,
        state=state,
        reason=DeclineReason.TOO_EARLY if state is InterestState.DECLINED else None,
        created_at=begun,
        answered_at=begun + timedelta(hours=RANDOM.randrange(1, 200)),
    )


async def fill(runtime: Runtime, achievements: int) -> None:
    """Both lists, a user of the first organization, interests and its inbox; and the index."""
    kinds = {ListKind.ACHIEVEMENT: OrganizationKind.UNIVERSITY}
    owners: dict[ListKind, list[uuid.UUID]] = {}
    async with runtime.database.write() as session:
        for kind in ListKind:
            made = [
                Organization(
                    id=new_id(),
                    name=(name := f"单位{kind}{number}"),
                    name_key=name,
                    kind=kinds.get(kind, OrganizationKind.ENTERPRISE),
                )
                for number in range(OWNERS)
            ]
            session.add_all(made)
            owners[kind] = [one.id for one in made]
        await session.flush()
        own = owners[ListKind.ACHIEVEMENT][0]
        await create_user(session, name=NAME, password=PASSWORD, organization_id=own)
    for kind, count in (
        (ListKind.ACHIEVEMENT, achievements),
        (ListKind.DEMAND, achievements // 10),
    ):
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            batch = [record(kind, number, owners[kind]) for number in numbers]
            async with runtime.database.write() as session:
                session.add_all(batch)
                await mark(session, kind, [one.id for one in batch])
    async with runtime.database.write() as session:
        subjects = (await session.scalars(select(Achievement).limit(INTERESTS))).all()
        interests = [interest(one, RANDOM.choice(owners[ListKind.DEMAND])) for one in subjects]
        session.add_all(interests)
        await session.flush()
        for number, (one, subject) in enumerate(zip(interests, subjects, strict=True)):
            if one.state is InterestState.ACCEPTED:
                session.add(
                    Introduction(
                        interest_id=one.id,
                        achievement_id=subject.id,
                        organization_id=one.organization_id,
                        owner_id=one.owner_id,
                    )
                )
            session.add(
                Notice(
                    organization_id=own,
                    kind=NoticeKind.INTEREST_EXPRESSED,
                    subject_kind="interest",
                    subject_id=one.id,
                    key=f"bench {number}",
                    data={"title": subject.title},
                    waiting=number % 10 == 0,
                )
            )
    async with writing(runtime) as indexer:
        await indexer.words()


async def prepared(settings: Settings, achievements: int) -> dict[str, str]:
    """Addresses of records in a data folder, which is filled if it is empty."""
    async with open_runtime(settings) as runtime:
        await migrations.migrate(runtime.database)
        if not (settings.data_dir / "filled").exists():
            begun = time.perf_counter()
            await fill(runtime, achievements)
            (settings.data_dir / "filled").touch()
            print(f"filled in {time.perf_counter() - begun:.0f} s")
        async with runtime.database.read() as session:
            shown = {}
            for model in (Achievement, Demand):
                count = await session.scalar(select(func.count()).select_from(model))
                print(f"{count} {model.__tablename__}")
                shown[model.__tablename__] = str(await session.scalar(select(model.id).limit(1)))
    return shown


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The address at which the folder is served."""
    environment = {
        **os.environ,
        "KCT_DATA_DIR": str(settings.data_dir),
        "KCT_EMBEDDINGS": "none",
    }
    port = free_port()
    program = "from kechuangtong.cli import main; main()"
    arguments = [sys.executable, "-c", program, "serve", "--port", str(port)]
    with subprocess.Popen(
        arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def opened(page: Page, path: str) -> tuple[float, float] | None:
    """Milliseconds to the largest paint and to the first byte; None where there is no such page."""
    answer = page.goto(path)
    assert answer is not None
    if answer.status == 404:
        return None
    assert answer.ok, f"{path}: {answer.status}"
    paint, first = page.evaluate(WAITS)
    return paint, first


def context_of(browser: Browser, address: str, device: str) -> BrowserContext:
    """A visitor with an empty cache."""
    width, height = SIZES[device]
    phone = device == "phone"
    return browser.new_context(
        base_url=address,
        locale="zh-CN",
        viewport={"width": width, "height": height},
        is_mobile=phone,
        has_touch=phone,
    )


def wait_for(page: Page) -> None:
    """Until the service answers."""
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        try:
            page.goto("/sign-in")
            return
        except Error:
            time.sleep(0.5)
    raise TimeoutError


def measure(address: str, shown: dict[str, str], times: int) -> None:
    """Open every page so many times on each device, and print."""
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    pages = [
        "/",
        "/search?q=余热 除湿",
        f"/achievements/{shown['achievements']}",
        f"/demands/{shown['demands']}",
        "/my/achievements",
        "/uploads",
        "/inbox",
        "/statistics",
        "/sign-in",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        for device in SIZES:
            context = context_of(browser, address, device)
            page = context.new_page()
            wait_for(page)
            page.get_by_label("用户名").fill(NAME)
            page.get_by_label("密码").fill(PASSWORD)
            page.get_by_role("main").get_by_role("button", name="登录").click()
            page.wait_for_url(f"{address}/")
            state = context.storage_state()
            context.close()
            print(
                f"\n{device:<44}{'LCP median':>12}{'worst':>8}   first byte{'median':>9}{'worst':>8}"
            )
            for path in pages:
                found = []
                for _ in range(times):
                    context = context_of(browser, address, device)
                    context.add_cookies(state["cookies"])
                    found.append(opened(context.new_page(), path))
                    context.close()
                told(path, found)
        browser.close()


def told(path: str, found: list[tuple[float, float] | None]) -> None:
    name = path[:42]
    if None in found:
        print(f"{name:<44} no such page here")
        return
    paints, firsts = zip(*(one for one in found if one is not None), strict=True)
    print(
        f"{name:<44}{statistics.median(paints):>9.0f} ms{max(paints):>5.0f} ms"
        f"             {statistics.median(firsts):>6.0f} ms{max(firsts):>5.0f} ms"
    )


SAMPLE = {kind: [one for one in records() if one["kind"] == kind] for kind in ListKind}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--achievements", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--data", type=Path, help="keep the data here, and use it again")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.data or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        of_bench = Settings(data_dir=folder, database_url=None, embeddings="none")
        addresses = asyncio.run(prepared(of_bench, chosen.achievements))
        with serving(of_bench) as served:
            measure(served, addresses, chosen.times)
