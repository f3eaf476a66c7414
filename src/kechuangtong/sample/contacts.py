"""First contacts of the sample's organizations, for the examples of the documentation."""

import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.clock import now
from kechuangtong.core.trade import ListKind
from kechuangtong.models import (
    Achievement,
    Demand,
    Interest,
    InterestMessage,
    Introduction,
    Notice,
    SavedSearch,
)
from kechuangtong.models.interest import InterestState
from kechuangtong.models.notice import NoticeKind
from kechuangtong.sample import ids
from kechuangtong.sample.ids import sample_id
from kechuangtong.search.schemas import SearchTerms

# Id, what it is in, the demand and the achievement, and the first words.
_INTERESTS: Final = (
    (
        ids.INTEREST,
        ListKind.ACHIEVEMENT,
        "d0001",
        "a0002",
        "烘房夏季蒸汽不足，想了解热泵与太阳能联合供热能否用于挂面。",
    ),
    (
        ids.INTEREST_TO_DECLINE,
        ListKind.DEMAND,
        "d0014",
        "a0022",
        "我们的分选线每小时可测 200 个模组，愿到现场试测一批。",
    ),
    (
        ids.INTEREST_TO_WITHDRAW,
        ListKind.DEMAND,
        "d0010",
        "a0025",
        "We can send samples of the anode for your own cycling tests.",
    ),
    (
        ids.INTEREST_ACCEPTED,
        ListKind.ACHIEVEMENT,
        "d0004",
        "a0003",
        "希望用 500 片带缺陷的盖板做一次对比测试。",
    ),
)


async def add_contacts(session: AsyncSession) -> None:
    """Interests sent and received, an introduction, a notice, and a saved search."""
    for interest_id, kind, of_demand, of_achievement, words in _INTERESTS:
        demand = await session.get_one(Demand, sample_id(of_demand))
        achievement = await session.get_one(Achievement, sample_id(of_achievement))
        sender, owner = (achievement, demand) if kind is ListKind.DEMAND else (demand, achievement)
        interest = Interest(
            id=uuid.UUID(interest_id),
            subject_kind=kind,
            achievement_id=achievement.id,
            demand_id=demand.id,
            organization_id=sender.organization_id,
            owner_id=owner.organization_id,
        )
        session.add(interest)
        await session.flush()  # what follows refers to it
        session.add(
            InterestMessage(
                interest_id=interest.id, organization_id=sender.organization_id, text=words
            )
        )
    interest.state, interest.answered_at = InterestState.ACCEPTED, now()
    session.add(
        Introduction(
            id=uuid.UUID(ids.INTRODUCTION),
            interest_id=interest.id,
            achievement_id=interest.achievement_id,
            demand_id=interest.demand_id,
            organization_id=interest.organization_id,
            owner_id=interest.owner_id,
        )
    )
    session.add(
        Notice(
            id=uuid.UUID(ids.NOTICE),
            organization_id=uuid.UUID(ids.ORGANIZATION),
            kind=NoticeKind.INTEREST_EXPRESSED,
            subject_kind="interest",
            subject_id=uuid.UUID(ids.INTEREST),
            key=f"interest {ids.INTEREST} 1",
            data={"title": "热泵与太阳能联合干燥装置", "organization": "成都蜀烘食品机械有限公司"},
            waiting=True,
        )
    )
    session.add(
        SavedSearch(
            id=uuid.UUID(ids.SAVED_SEARCH),
            organization_id=uuid.UUID(ids.ENTERPRISE),
            name="干燥与除湿的成果",
            query=SearchTerms(q="干燥", kind=ListKind.ACHIEVEMENT).model_dump(mode="json"),
            seen_until=now() - timedelta(days=1),
        )
    )
