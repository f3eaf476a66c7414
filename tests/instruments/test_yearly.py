"""Yearly figures of instruments: hours, outside share, the line, what was not used."""

import re
import uuid
from datetime import datetime
from decimal import Decimal

import httpx
from sqlalchemy import update

from booking import code
from conftest import Service
from instruments.conftest import Publish
from instruments.test_pages import EVIL, browser, read
from kechuangtong.core.clock import CITY
from kechuangtong.core.db import new_id
from kechuangtong.models import Booking, BookingItem, Instrument
from kechuangtong.models.booking import BookingState
from kechuangtong.models.instrument import UserClass


def of(service: Service, instrument_id: str, start: str, end: str, **values: object) -> Booking:
    """A booking that is finished, of the enterprise or of the owner itself."""
    own = values.pop("own", False)
    starts_at, ends_at = (datetime.fromisoformat(one).replace(tzinfo=CITY) for one in (start, end))
    used = {"hours": Decimal(2), "fee": Decimal("100.00"), **values}
    booking = Booking(
        id=new_id(),
        organization_id=service.university if own else service.enterprise,
        owner_id=service.university,
        user_class=UserClass.INTERNAL if own else UserClass.ENTERPRISE,
        starts_at=starts_at,
        ends_at=ends_at,
        stored_state=BookingState.FINISHED,
    )
    booking.items = [
        BookingItem(
            instrument_id=uuid.UUID(instrument_id),
            unit=1,
            starts_at=starts_at,
            ends_at=ends_at,
            holds=True,
            **used,
        )
    ]
    return booking


async def test_a_year_of_instruments(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, publish: Publish
) -> None:
    microscope = await publish("透射电镜", number="TEM-01")
    cards = await publish("卡池", kind="computing_resource", unit="card_hour", capacity=8)
    unused = await publish("无人问津的仪器")
    async with service.runtime.database.write() as session:
        await session.execute(
            update(Instrument).values(published_at=datetime(2024, 12, 31, tzinfo=CITY))
        )
    later = await publish("日后的仪器")
    async with service.runtime.database.write() as session:
        session.add_all(
            [
                # 8 hours over New Year, 6 of 24 hours of them in the old year.
                of(service, microscope, "2024-12-31T18:00", "2025-01-01T18:00", hours=Decimal(8)),
                of(service, microscope, "2025-01-31T22:00", "2025-02-01T02:00", own=True),
                of(service, microscope, "2025-12-31T23:00", "2026-01-01T00:00", own=True, fee=None),
                of(service, cards, "2025-05-04T00:00", "2025-05-05T00:00", hours=Decimal("24.25")),
                of(
                    service, microscope, "2025-03-01T00:00", "2025-03-02T00:00", hours=Decimal(1190)
                ),
            ]
        )

    async def year(number: int, client: httpx.AsyncClient = scholar, **more: str) -> httpx.Response:
        whose = {"organization_id": str(service.university), "year": str(number), **more}
        return await client.get("/v1/statistics/instruments", params=whose)

    shown = (await year(2025)).raise_for_status().json()
    assert [one["instrument_id"] for one in shown["items"]] == [microscope, cards, unused]
    first, second, third = shown["items"]
    # 6 of 8 hours of New Year, 1190, and 4 of the owner's own.
    assert (first["hours"], first["own_hours"], first["outside_hours"]) == (
        "1200.0",
        "4.0",
        "1196.0",
    )
    assert (first["outside_share"], first["fee"]) == ("99.7", "200.00")
    assert (first["services"], first["outside_services"]) == (3, 1)
    assert (first["full"], first["idle"]) == (True, False)
    assert (second["hours"], second["hours_a_set"], second["full"]) == ("24.3", "3.0", None)
    assert (third["idle"], third["hours"], third["outside_share"]) == (True, "0.0", None)
    assert (shown["line_hours"], "财科教" in shown["line_source"]) == (1200, True)
    hours, of_cards = shown["totals"]
    assert (hours["instruments"], hours["idle"], hours["full"], hours["unit"]) == (2, 1, 1, "hour")
    assert (hours["hours_a_set"], of_cards["full"]) == ("600.0", None)
    months = {one["month"]: (one["own_hours"], one["outside_hours"]) for one in hours["by_month"]}
    assert len(months) == 12
    assert months["2025-01"] == ("1.0", "6.0")
    assert months["2025-02"] == ("1.0", "0.0")
    assert months["2025-12"] == ("2.0", "0.0")

    # The old year has the rest of the booking, and all of its fee; before, there was no line.
    (old,) = (await year(2024, idle="false")).json()["items"]
    assert (old["hours"], old["fee"], old["services"]) == ("2.0", "100.00", 1)
    assert (await year(2018)).json()["line_hours"] is None
    assert (await year(2018)).json()["items"] == []
    idle = (await year(2025, idle="true")).json()["items"]
    assert [one["instrument_id"] for one in idle] == [unused]
    assert later in {
        one["instrument_id"] for one in (await year(datetime.now(CITY).year)).json()["items"]
    }
    only = (await year(2025, instrument_id=cards)).json()
    assert [one["unit"] for one in only["totals"]] == ["card_hour"]

    found, cursor = [], {}
    for _ in range(3):
        page = (await year(2025, limit="1", **cursor)).json()
        found += [one["instrument_id"] for one in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert (found, page["next_cursor"]) == ([microscope, cards, unused], None)
    assert code(await year(2025, cursor="WyJOYU4iLCAieCJd")) == (422, "cursor_invalid")
    assert code(await year(2025, buyer)) == (403, "forbidden")
    assert (await year(1999)).status_code == 422


async def test_a_year_is_shown_as_charts_and_as_a_table(
    service: Service, publish: Publish, anyone: httpx.AsyncClient
) -> None:
    microscope = await publish(f"透射电镜 {EVIL}", number="TEM-01")
    cards = await publish("卡池", kind="computing_resource", unit="card_hour", capacity=8)
    async with service.runtime.database.write() as session:
        session.add_all(
            [
                of(service, microscope, "2025-03-03T09:00", "2025-03-03T11:00", hours=1300),
                of(
                    service, microscope, "2025-05-05T09:00", "2025-05-05T11:00", hours=100, own=True
                ),
                of(service, cards, "2025-03-03T09:00", "2025-03-03T11:00", hours=16),
            ]
        )
    path = f"/statistics/instruments?year=2025&organization={service.university}"
    async with browser(service, "scholar") as staff, browser(service, "admin") as admin:
        shown = await read(staff, "/statistics/instruments?year=2025&organization=")
        assert shown.count("<figure") == 2 + 4  # by month of each unit, then of each instrument
        # The line stands at 1,200 of 1,400 hours.
        assert '<rect class="limit" x="85.71%"' in shown
        assert '<rect class="bar" x="0" y="24" width="100.0%"' in shown
        row = re.findall(r"<tr><td><a[^>]+>透射电镜.*?</tr>", shown, re.DOTALL)[-1]
        for one in ("1,400.0 小时", "92.9%", "200.00 元", "饱满"):
            assert one in row, one
        assert "<tr><td>2025-03</td>" in shown
        one = await read(staff, f"{path}&instrument_id={cards}")
        assert ("16.0" in one, "透射电镜" in one, "2025-12" in one) == (True, False, True)
        assert "没有使用记录" in await read(staff, path.replace("2025", "2001"))
        assert "请先选择单位" in await read(admin, "/statistics/instruments")
        assert "透射电镜" in await read(admin, path.replace(str(service.university), "蜀江大学"))
        assert "Outside share" in await read(admin, path, **{"Accept-Language": "en"})
        assert "/statistics/instruments" in await read(staff, "/statistics")
        wrong = path.replace(str(service.university), str(service.enterprise))
        assert (await staff.get(wrong)).status_code == 404
        assert (await staff.get(f"{path}&year=1")).status_code == 422
    assert (await anyone.get(path)).headers["Location"].startswith("/sign-in")
