"""The one place that tells the time, so that tests can set it."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

CITY = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The present date where the lists are kept (Asia/Shanghai)."""
    return now().astimezone(CITY).date()
