"""Work that is done again and again: at start where it is due, and then at its interval.

When each was last done is in the database, so a restart repeats nothing; one worker at a time does
it, however many there are.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kechuangtong.bookings.service import tend
from kechuangtong.changes.service import note_expired
from kechuangtong.contracts.reminders import remind as remind_of_payments
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database, hold, upsert
from kechuangtong.jobs.cleaning import clean
from kechuangtong.lists.reminders import remind
from kechuangtong.models import Schedule
from kechuangtong.runtime import Runtime
from kechuangtong.sales.service import tend as close_sales
from kechuangtong.searches.alerts import alert


@dataclass(frozen=True)
class Scheduled:
    """What is done, and how often. It may be killed and begun again: what it has done it commits,
    and does not do twice."""

    every: timedelta
    work: Callable[[Runtime], Awaitable[object]]


SCHEDULES: Final[Mapping[str, Scheduled]] = {
    "cleaning": Scheduled(timedelta(days=1), clean),
    "reminders": Scheduled(timedelta(days=1), lambda runtime: remind(runtime.database)),
    "payments": Scheduled(timedelta(days=1), lambda runtime: remind_of_payments(runtime.database)),
    "expiry": Scheduled(timedelta(minutes=10), lambda runtime: note_expired(runtime.database)),
    "bookings": Scheduled(timedelta(minutes=5), lambda runtime: tend(runtime.database)),
    "sales": Scheduled(timedelta(minutes=5), lambda runtime: close_sales(runtime.database)),
    "alerts": Scheduled(timedelta(minutes=10), alert),
}

_NEVER: Final = "never"


async def waiting(database: Database) -> list[str]:
    """What is due. One that stays undone is begun anew each hour."""
    due = []
    async with database.read() as session:
        for name, scheduled in SCHEDULES.items():
            found = await session.get(Schedule, name)
            if found is None or found.last_run_at + scheduled.every <= now():
                due.append(f"{name}/{_last(found)}/{now():%Y%m%dT%H}")
    return due


async def run(runtime: Runtime, key: str) -> None:
    """Do what is due, unless another worker has done it meanwhile."""
    name, last, _ = key.split("/")
    async with runtime.database.read() as session:
        await hold(session, f"schedule {name}")
        if _last(await session.get(Schedule, name)) == last:
            begun = now()
            await SCHEDULES[name].work(runtime)
            await _done(runtime.database, name, begun)


async def leave(runtime: Runtime, key: str) -> None:
    """Let what cannot be done wait for its next time."""
    await _done(runtime.database, key.split("/")[0], now())


def _last(found: Schedule | None) -> str:
    return _NEVER if found is None else found.last_run_at.isoformat()


async def _done(database: Database, name: str, at: datetime) -> None:
    async with database.write() as session:
        await upsert(
            session,
            Schedule.__table__,  # type: ignore[arg-type]
            [{"name": name, "last_run_at": at}],
            keys=["name"],
            update={"last_run_at": at},
        )
