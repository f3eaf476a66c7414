"""Instruments of the sample and their bookings, for the examples of the documentation."""

import hashlib
import struct
import uuid
import zlib
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.hashing import hash_token
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id
from kechuangtong.instruments import service
from kechuangtong.instruments.schemas import InstrumentCreate
from kechuangtong.instruments.slots import aligned_up
from kechuangtong.instruments.states import Action
from kechuangtong.models import (
    Attachment,
    Booking,
    BookingItem,
    CalendarFeed,
    InstrumentClosure,
    InstrumentPrice,
    Qualification,
)
from kechuangtong.models.attachment import Access, AttachedTo
from kechuangtong.models.booking import BookingState
from kechuangtong.models.instrument import UserClass
from kechuangtong.sample import ids
from kechuangtong.sample.ids import sample_id

_ALL_DAY: Final = [{"weekday": day, "opens": "00:00", "closes": "24:00"} for day in range(1, 8)]
_WORKDAYS: Final = [
    {"weekday": day, "opens": opens, "closes": closes}
    for day in range(1, 6)
    for opens, closes in (("08:30", "12:00"), ("13:30", "18:00"))
]
_CONTACT: Final = {"name": "蒲老师", "department": "分析测试中心", "phone": "028-00000000"}

_INSTRUMENTS: Final[dict[str, dict[str, Any]]] = {
    ids.INSTRUMENT: {
        "organization_id": ids.ORGANIZATION,
        "name": "300 kV 场发射透射电子显微镜",
        "number": "JJ-TEM-01",
        "model": "示例型号 300 kV",
        "country": "CHN",
        "class_code": "010101",
        "original_value": "8650000.00",
        "commissioned_on": "2020-09-01",
        "disciplines": ["430.10"],
        "functions": "材料微观形貌、晶体结构和元素分布分析。",
        "rules": "首次使用须先沟通样品情况；磁性和粉末样品请提前说明。",
        "reference_price": "校内 300 元/小时，校外高校 600 元/小时，企业 900 元/小时。",
        "place": "四川省成都市",
        "latitude": 30.631,
        "longitude": 104.083,
        "contact": _CONTACT,
        "opening_hours": _ALL_DAY,
        "longest_minutes": 480,
    },
    ids.INSTRUMENT_DRAFT: {
        "organization_id": ids.ORGANIZATION,
        "name": "电感耦合等离子体质谱仪",
        "number": "JJ-MS-03",
        "class_code": "010205",
        "original_value": "1280000.00",
        "commissioned_on": "2022-03-15",
        "functions": "痕量元素和同位素比值测定。",
        "place": "四川省成都市",
        "latitude": 30.631,
        "longitude": 104.083,
        "opening_hours": _WORKDAYS,
        "qualification_required": True,
    },
    ids.INSTRUMENT_CLUSTER: {
        "organization_id": str(sample_id("e004")),
        "kind": "computing_resource",
        "name": "智算平台训练卡池",
        "number": "JL-GPU-A",
        "functions": "深度学习训练和推理，按卡预约。",
        "place": "重庆市",
        "latitude": 29.539,
        "longitude": 106.606,
        "unit": "card_hour",
        "capacity": 8,
        "opening_hours": _ALL_DAY,
        "shortest_minutes": 60,
        "step_minutes": 60,
        "longest_minutes": 10_080,
        "approval_required": False,
    },
    ids.INSTRUMENT_TO_WITHDRAW: {
        "organization_id": ids.ORGANIZATION,
        "kind": "service_unit",
        "name": "环境可靠性试验室",
        "number": "JJ-ENV-01",
        "class_code": "020100",
        "services": "高低温、湿热和振动综合环境试验，出具检测报告。",
        "place": "四川省成都市",
        "latitude": 30.702,
        "longitude": 103.946,
        "opening_hours": _WORKDAYS,
    },
}


def _png(width: int, rows: list[bytes]) -> bytes:
    """A picture of these rows of red, green and blue."""
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, len(rows), 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


# Lattice fringes, as the microscope shows them.
PICTURE: Final = _png(
    320,
    [bytes(90 + (x * 7 + y * 3) % 40 * 2 for x in range(320) for _ in "rgb") for y in range(200)],
)


async def add_instruments(session: AsyncSession) -> None:
    """Instruments with a closure, prices and a qualified person."""
    for instrument_id, values in _INSTRUMENTS.items():
        await service.create(
            session,
            OPERATOR,
            InstrumentCreate.model_validate(values),
            instrument_id=uuid.UUID(instrument_id),
        )
        if instrument_id != ids.INSTRUMENT_DRAFT:
            await service.move(
                session,
                OPERATOR,
                uuid.UUID(instrument_id),
                Action.PUBLISH,
                expected_versions=None,
            )
    microscope = uuid.UUID(ids.INSTRUMENT)
    for user_class, amount in (
        (UserClass.INTERNAL, "300.00"),
        (UserClass.ACADEMIC, "600.00"),
        (UserClass.ENTERPRISE, "900.00"),
    ):
        session.add(_price(microscope, user_class, amount))
    session.add(_price(uuid.UUID(ids.INSTRUMENT_CLUSTER), UserClass.ENTERPRISE, "12.50"))
    to_come = _price(microscope, UserClass.ENTERPRISE, "950.00")
    to_come.id, to_come.valid_from = uuid.UUID(ids.PRICE_TO_COME), today() + timedelta(days=90)
    session.add_all(
        [
            to_come,
            InstrumentClosure(
                id=uuid.UUID(ids.CLOSURE),
                instrument_id=microscope,
                starts_at=now() + timedelta(days=30),
                ends_at=now() + timedelta(days=33),
                reason="年度校准",
            ),
            CalendarFeed(
                id=uuid.UUID(ids.CALENDAR_FEED),
                user_id=uuid.UUID(ids.USER),
                instrument_id=microscope,
                name="手机日历",
                token_hash=hash_token(ids.CALENDAR_TOKEN),
            ),
            Attachment(
                id=uuid.UUID(ids.PHOTOGRAPH),
                subject_kind=AttachedTo.INSTRUMENT,
                subject_id=microscope,
                organization_id=uuid.UUID(ids.ORGANIZATION),
                name="晶格像.png",
                media_type="image/png",
                size=len(PICTURE),
                sha256=hashlib.sha256(PICTURE).hexdigest(),
                access=Access.PUBLIC,
                position=0,
                caption="标准样品的晶格条纹像",
            ),
            Qualification(
                instrument_id=microscope, user_id=uuid.UUID(ids.USER), valid_from=today()
            ),
        ]
    )


def _price(instrument_id: uuid.UUID, user_class: UserClass, amount: str) -> InstrumentPrice:
    return InstrumentPrice(
        instrument_id=instrument_id,
        user_class=user_class,
        valid_from=today(),
        amount=Decimal(amount),
    )


async def add_bookings(session: AsyncSession) -> None:
    """Bookings of the microscope in each state that an example begins with."""
    begins = aligned_up(now() - timedelta(hours=1), 30)
    series = (ids.SERIES, ids.SERIES_TO_DECLINE) * 2
    for booking_id, state, days, series_id in (
        (ids.BOOKING, BookingState.REQUESTED, 3, None),
        (ids.BOOKING_TO_DECLINE, BookingState.REQUESTED, 4, None),
        (ids.BOOKING_TO_CANCEL, BookingState.APPROVED, 5, None),
        (ids.BOOKING_FINISHED, BookingState.FINISHED, -3, None),
        (ids.BOOKING_MISSED, BookingState.APPROVED, -2, None),
        (ids.BOOKING_TO_FINISH, BookingState.IN_USE, -1, None),
        (ids.BOOKING_TO_START, BookingState.APPROVED, 0, None),
        *((new_id().hex, BookingState.REQUESTED, 6 + day, one) for day, one in enumerate(series)),
    ):
        starts_at = begins + timedelta(days=days)
        ends_at = starts_at + timedelta(hours=2)
        finished = state is BookingState.FINISHED
        held_until = now() + timedelta(days=2) if state is BookingState.REQUESTED else None
        booking = Booking(
            id=uuid.UUID(booking_id),
            organization_id=uuid.UUID(ids.ENTERPRISE),
            owner_id=uuid.UUID(ids.ORGANIZATION),
            user_class=UserClass.ENTERPRISE,
            starts_at=starts_at,
            ends_at=ends_at,
            stored_state=state,
            held_until=held_until,
            purpose="铝合金析出相观察。",
            started_at=starts_at if state is BookingState.IN_USE or finished else None,
            finished_at=ends_at if finished else None,
            samples=3 if finished else None,
            series_id=uuid.UUID(series_id) if series_id else None,
        )
        item = BookingItem(
            booking_id=booking.id,
            instrument_id=uuid.UUID(ids.INSTRUMENT),
            unit=1,
            starts_at=starts_at,
            ends_at=ends_at,
            holds=True,
            held_until=held_until,
        )
        if finished:
            item.hours, item.price, item.fee = Decimal(2), Decimal(900), Decimal(1800)
        session.add(booking)
        await session.flush()  # its item refers to it
        session.add(item)
