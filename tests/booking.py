"""Bookings of a week that lies ahead: their times, and the calls that make them."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from kechuangtong.core.clock import CITY, now

ANY = {"If-Match": "*"}
_TODAY = now().astimezone(CITY).replace(hour=0, minute=0, second=0, microsecond=0)
_MONDAY = _TODAY + timedelta(days=14 - _TODAY.weekday())  # a week ahead or more


def at(hours: float) -> datetime:
    """An instant so many hours after the beginning of that Monday in the city."""
    return _MONDAY + timedelta(hours=hours)


def wish(instruments: str | list[str], start: float, end: float, **values: Any) -> dict[str, Any]:
    """The body of a booking from so many hours after that Monday's beginning until as many."""
    ids = [instruments] if isinstance(instruments, str) else instruments
    return {
        "instruments": [{"instrument_id": one} for one in ids],
        "starts_at": at(start).isoformat(),
        "ends_at": at(end).isoformat(),
        **values,
    }


async def book(
    client: httpx.AsyncClient, instruments: str | list[str], start: float, end: float, **values: Any
) -> dict[str, Any]:
    """A booking that is made."""
    answer = await client.post("/v1/bookings", json=wish(instruments, start, end, **values))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def act(
    client: httpx.AsyncClient, booking: dict[str, Any], verb: str, **body: Any
) -> httpx.Response:
    """The answer to what is done to a booking."""
    path = f"/v1/bookings/{booking['id']}/{verb}"
    return await client.post(path, headers=ANY, json=body)


def code(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return answer.status_code, answer.json()["code"]
