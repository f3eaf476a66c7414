"""How often one may call: counted by caller and by address, across processes on PostgreSQL."""

import ipaddress
from datetime import timedelta
from math import ceil
from typing import Final

import structlog
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter
from sqlalchemy import case, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from kechuangtong.core.clock import now
from kechuangtong.core.db import Database
from kechuangtong.core.errors import TooManyRequests
from kechuangtong.models import RateCount
from kechuangtong.settings import Counted, Settings

log = structlog.get_logger()

UNLIMITED: Final = "/health/"
"""What is asked by those who watch over the service, and looks at little."""


class SharedCounts(Storage):
    """Counts in PostgreSQL; a window of time begins with the first call in it."""

    STORAGE_SCHEME = None

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    @property
    def base_exceptions(self) -> type[Exception]:
        return SQLAlchemyError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        ends = now() + timedelta(seconds=expiry)
        is_past = RateCount.expires_at <= now()
        one_more = insert(RateCount).values(key=key, count=amount, expires_at=ends)
        counted = one_more.on_conflict_do_update(
            index_elements=[RateCount.key],
            set_={
                "count": case((is_past, amount), else_=RateCount.count + amount),
                "expires_at": case((is_past, ends), else_=RateCount.expires_at),
            },
        ).returning(RateCount.count)
        async with self._database.write() as session:
            return (await session.execute(counted)).scalar_one()

    async def get(self, key: str) -> int:
        async with self._database.read() as session:
            found = await session.get(RateCount, key)
        return found.count if found is not None and found.expires_at > now() else 0

    async def get_expiry(self, key: str) -> float:
        async with self._database.read() as session:
            ends = await session.scalar(select(RateCount.expires_at).where(RateCount.key == key))
        return (ends or now()).timestamp()

    async def check(self) -> bool:
        await self.get("")
        return True

    async def reset(self) -> None:
        async with self._database.write() as session:
            await session.execute(delete(RateCount))

    async def clear(self, key: str) -> None:
        async with self._database.write() as session:
            await session.execute(delete(RateCount).where(RateCount.key == key))


class Limiter:
    """Counts calls. Where the counting fails, calls go on."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._rates = settings.rates
        # On SQLite there is one process.
        counts = MemoryStorage() if settings.uses_sqlite else SharedCounts(database)
        self._strategy = FixedWindowRateLimiter(counts)

    async def count(self, counted: Counted, who: str) -> None:
        """Count a call. Raises TooManyRequests."""
        rate = self._rates.get(counted)
        if rate is None:
            return
        try:
            if await self._strategy.hit(rate, counted, who):
                return
            window = await self._strategy.get_window_stats(rate, counted, who)
        except (SQLAlchemyError, OSError) as error:
            log.error("calls cannot be counted at present", error=str(error))
            return
        raise TooManyRequests(max(1, ceil(window.reset_time - now().timestamp())))


def network(address: str) -> str:
    """Whom an address stands for: in IPv6 a household has a whole /64."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # a socket of this machine
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)  # else all of IPv4 would be one household
    return address if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))
