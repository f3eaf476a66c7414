"""Ownership and sales of the sample, for the examples of the documentation."""

import uuid
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.clock import CITY, now, today
from kechuangtong.models import (
    Achievement,
    FirstRefusal,
    Inventor,
    Ownership,
    OwnershipUnit,
    Sale,
    SaleBid,
    SaleEntrant,
    SaleObjection,
)
from kechuangtong.models.ownership import OwnershipKind
from kechuangtong.models.sale import SaleObject, SaleState, SaleWay
from kechuangtong.sample import ids
from kechuangtong.sample.ids import sample_id

# Name, share of the rights, contribution, a main contributor, of the transfer staff.
_INVENTORS: Final = (
    ("罗知远", "42", "60", True, False),
    ("方宁", "28", "35", False, False),
    ("贺书", "0", "5", False, True),
)
# Id, way, what is sold, title, price, in how many days it begins and ends, and what else it has.
_SALES: Final[tuple[tuple[str, SaleWay, SaleObject, str, str, int, int, dict[str, Any]], ...]] = (
    (
        ids.AUCTION,
        SaleWay.AUCTION,
        SaleObject.LICENSE,
        "独占许可（西南地区，三年）拍卖",
        "500000",
        -1,
        30,
        {
            "increment": Decimal(20_000),
            "reserve": Decimal(650_000),
            "extension_minutes": 5,
        },
    ),
    (
        ids.LISTING,
        SaleWay.LISTING,
        SaleObject.LICENSE,
        "普通许可（五年）挂牌",
        "300000",
        -1,
        30,
        {"increment": Decimal(10_000)},
    ),
    (
        ids.AGREEMENT,
        SaleWay.AGREEMENT,
        SaleObject.TRANSFER,
        "一项配套专利的转让",
        "180000",
        -2,
        20,
        {"buyer_related": False},
    ),
    (
        ids.SALE_DRAFT,
        SaleWay.LISTING,
        SaleObject.LICENSE,
        "软件部分的普通许可",
        "80000",
        10,
        40,
        {"increment": Decimal(2_000)},
    ),
    (
        ids.SALE_TO_AWARD,
        SaleWay.AUCTION,
        SaleObject.LICENSE,
        "独占许可（华东地区，三年）拍卖",
        "400000",
        -20,
        -1,
        {"increment": Decimal(20_000)},
    ),
    (
        ids.SALE_TO_OFFER,
        SaleWay.AGREEMENT,
        SaleObject.TRANSFER,
        "两项在审专利申请的转让",
        "90000",
        -20,
        -1,
        {"buyer_related": False},
    ),
    (
        ids.SALE_TO_ANSWER,
        SaleWay.AGREEMENT,
        SaleObject.TRANSFER,
        "整套技术的转让",
        "1500000",
        -20,
        -1,
        {"buyer_related": True},
    ),
)


async def add_ownership(session: AsyncSession) -> None:
    """An achievement whose makers were given a share."""
    session.add(
        Ownership(
            achievement_id=uuid.UUID(ids.ACHIEVEMENT),
            number=1,
            kind=OwnershipKind.SHARED,
            from_on=today() - timedelta(days=200),
            agreement="锦江理工赋权〔2026〕3 号协议",
            agreed_on=today() - timedelta(days=210),
            units=[
                OwnershipUnit(
                    position=0, organization_id=uuid.UUID(ids.ORGANIZATION), share=Decimal(30)
                )
            ],
            inventors=[
                Inventor(
                    position=position,
                    name=name,
                    share=Decimal(share),
                    contribution=Decimal(contribution),
                    main=main,
                    transfer_staff=staff,
                )
                for position, (name, share, contribution, main, staff) in enumerate(_INVENTORS)
            ],
        )
    )


async def add_sales(session: AsyncSession) -> None:
    """Sales of each way, open and closed, with what was done in them."""
    sold = await session.get_one(Achievement, uuid.UUID(ids.ACHIEVEMENT))
    other = await session.get_one(Achievement, sample_id("a0003"))
    midnight = datetime.combine(today(), time(), CITY)
    sales = {}
    for short, way, what, title, price, begins, ends, more in _SALES:
        draft = short == ids.SALE_DRAFT
        achievement = other if draft else sold
        sales[short] = Sale(
            id=uuid.UUID(short),
            achievement_id=achievement.id,
            organization_id=achievement.organization_id,
            way=way,
            object=what,
            title=title,
            summary=f"{achievement.title}：{title}。",
            price=Decimal(price),
            opens_at=midnight + timedelta(days=begins),
            closes_at=midnight + timedelta(days=ends),
            stored_state=SaleState.DRAFT if draft else SaleState.OPEN,
            published_at=None if draft else now() + timedelta(days=begins),
            **more,
        )
    session.add_all(sales.values())
    await session.flush()  # what follows refers to them
    won = sales[ids.SALE_TO_AWARD]
    won.bids_count, won.highest, won.stored_state = 1, Decimal(420_000), SaleState.CLOSED
    for short in (ids.SALE_TO_OFFER, ids.SALE_TO_ANSWER):
        sales[short].stored_state = SaleState.CLOSED
    entrant = SaleEntrant(
        sale_id=won.id, number=1, organization_id=uuid.UUID(ids.ENTERPRISE), related=False
    )
    session.add(entrant)
    await session.flush()  # what follows refers to it
    session.add_all(
        [
            SaleBid(sale_id=won.id, entrant_id=entrant.id, amount=Decimal(420_000)),
            SaleObjection(
                id=uuid.UUID(ids.OBJECTION),
                sale_id=uuid.UUID(ids.AGREEMENT),
                organization_id=uuid.UUID(ids.ENTERPRISE),
                text="转让后原许可是否继续有效，公示中没有写明。",
            ),
            FirstRefusal(
                sale_id=uuid.UUID(ids.SALE_TO_ANSWER),
                price=Decimal(1_500_000),
                answer_until=today() + timedelta(days=10),
            ),
        ]
    )
