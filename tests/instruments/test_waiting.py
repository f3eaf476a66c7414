"""What waits gets what becomes free, whatever makes it free, if it still may; and nobody else."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine

from booking import ANY, act, at, book, code, wish
from conftest import Service
from instruments.conftest import Publish
from instruments.test_bookings import renew


async def state(client: httpx.AsyncClient, booking: dict[str, Any]) -> str:
    return str((await client.get(f"/v1/bookings/{booking['id']}")).json()["state"])


async def test_a_lapsed_request_gives_way_whatever_else_is_done(
    service: Service, buyer: httpx.AsyncClient, scholar: httpx.AsyncClient, publish: Publish
) -> None:
    instrument = await publish(hold_minutes=60)
    other = await publish("切片机", approval_required=False)
    lapsing = await book(buyer, instrument, 10, 12)
    waiting = await book(buyer, instrument, 10, 12, if_full="wait")
    unrelated = await book(buyer, other, 10, 12)
    with time_machine.travel(datetime.fromisoformat(lapsing["held_until"]) + timedelta(minutes=1)):
        await renew(service, scholar=scholar, buyer=buyer)
        done = await act(scholar, unrelated, "cancel", reason="停电")
        assert done.status_code == 200, done.text
        found = [await state(buyer, one) for one in (lapsing, waiting)]
    assert found == ["lapsed", "requested"]


@pytest.mark.parametrize("freed_by", ["cancelling", "another unit"])
async def test_who_waits_was_in_time_and_comes_before_who_comes_now(
    service: Service,
    buyer: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    publish: Publish,
    freed_by: str,
) -> None:
    instrument = await publish(lead_minutes=24 * 60, approval_required=False)
    first = await book(buyer, instrument, 10, 12)
    waiting = await book(buyer, instrument, 10, 12, if_full="wait")
    if freed_by == "cancelling":
        with time_machine.travel(at(10) - timedelta(hours=20)):
            await renew(service, scholar=scholar, buyer=buyer)
            await act(scholar, first, "cancel", reason="停电")
            assert await state(buyer, waiting) == "approved"
        return
    more = {"capacity": 2}
    path = f"/v1/instruments/{instrument}"
    assert (await scholar.patch(path, headers=ANY, json=more)).status_code == 200
    assert code(await buyer.post("/v1/bookings", json=wish(instrument, 10, 12))) == (
        409,
        "slot_taken",
    )
    await book(buyer, instrument, 14, 15)  # what is refused leaves all as it was
    assert await state(buyer, waiting) == "approved"


async def test_who_is_no_longer_qualified_waits_in_vain(
    service: Service, buyer: httpx.AsyncClient, scholar: httpx.AsyncClient, publish: Publish
) -> None:
    instrument = await publish(qualification_required=True, approval_required=False)
    me = (await buyer.get("/v1/auth/me")).json()["id"]
    path = f"/v1/instruments/{instrument}/qualifications/{me}"
    # Of a booking until midnight the next day is no part.
    valid = {"valid_from": "2026-01-01", "valid_until": str(at(0).date())}
    assert (await scholar.put(path, json=valid)).status_code == 200
    first = await book(buyer, instrument, 20, 24)
    waiting = await book(buyer, instrument, 20, 24, if_full="wait")
    assert (await scholar.delete(path)).is_success
    await act(scholar, first, "cancel", reason="停电")
    assert await state(buyer, waiting) == "waiting"


async def test_units_that_are_no_more_leave_their_bookings_to_the_others(
    service: Service, buyer: httpx.AsyncClient, scholar: httpx.AsyncClient, publish: Publish
) -> None:
    instrument = await publish(capacity=2, approval_required=False)
    one, two = [await book(buyer, instrument, 9, 11) for _ in range(2)]
    path = f"/v1/instruments/{instrument}"
    assert (await scholar.patch(path, headers=ANY, json={"capacity": 1})).status_code == 200
    for cancelled in (one, None):
        if cancelled is not None:
            await act(buyer, cancelled, "cancel", reason="不用了")
        refused = await buyer.post("/v1/bookings", json=wish(instrument, 10, 12))
        assert code(refused) == (409, "slot_taken")
    await book(buyer, instrument, 11, 12)
    await act(buyer, two, "cancel", reason="不用了")
    await book(buyer, instrument, 9, 11)


async def test_an_organization_waits_twenty_times_with_an_owner_at_most(
    buyer: httpx.AsyncClient, publish: Publish
) -> None:
    instrument = await publish()
    await book(buyer, instrument, 10, 12)
    for _ in range(20):
        await book(buyer, instrument, 10, 12, if_full="wait")
    one_more = wish(instrument, 10, 12, if_full="wait")
    assert code(await buyer.post("/v1/bookings", json=one_more)) == (409, "too_many_wait")
    await book(buyer, instrument, 14, 15, if_full="wait")  # for which there is room
