"""Of which events webhooks tell, and whom: one entry a kind of subject.

An organization is told of what is its own, and of what it is a party to; never of what it may not
see. So that nothing else can be read from what is sent, it names the subject alone: who may see
more reads it from the API.
"""

import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.language import Text
from kechuangtong.models import DealParty, Event

Audience = Callable[[AsyncSession, Event], Awaitable[frozenset[uuid.UUID]]]
"""The organizations that are told of an event."""


@dataclass(frozen=True)
class Subject:
    """A kind of thing that events are about.

    `events` describes the types by what follows the kind in their names. `path` is where the API
    shows one of them.
    """

    audience: Audience
    path: str
    events: Mapping[str, Text]


def _shown(event: Event) -> Mapping[str, Any]:
    """The thing as it is after the event; of one that is deleted, as it was."""
    return event.after or event.before or {}


async def _owner_of_record(_session: AsyncSession, event: Event) -> frozenset[uuid.UUID]:
    """A record of a list is its organization's."""
    owner = _shown(event).get("organization")
    return frozenset() if owner is None else frozenset({uuid.UUID(owner["id"])})


def _named_by(*fields: str) -> Audience:
    """Those whose ids stand in these fields of what is logged."""

    async def audience(_session: AsyncSession, event: Event) -> frozenset[uuid.UUID]:
        found = (_shown(event).get(field) for field in fields)
        return frozenset(uuid.UUID(one) for one in found if one is not None)

    return audience


async def _parties(session: AsyncSession, event: Event) -> frozenset[uuid.UUID]:
    """A deal is its parties'."""
    return await parties_of_deal(session, event.subject_id)


async def parties_of_deal(session: AsyncSession, deal_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """The parties of a deal: the audience of what belongs to one."""
    found = await session.scalars(
        select(DealParty.organization_id).where(DealParty.deal_id == deal_id)
    )
    return frozenset(found)


def _of_list(zh: str, en: str) -> dict[str, Text]:
    return {
        "created": Text(f"新建{zh}", f"{en} was created"),
        "changed": Text(f"修改{zh}", f"{en} was changed"),
        "submitted": Text(f"{zh}提交审核", f"{en} was submitted for review"),
        "returned": Text(f"{zh}被退回修改", f"{en} was returned by review"),
        "published": Text(f"发布{zh}", f"{en} was published"),
        "renewed": Text(f"{zh}延长有效期", f"{en} is valid for longer"),
        "withdrawn": Text(f"撤回{zh}", f"{en} was withdrawn"),
        "restored": Text(f"撤销导入，{zh}恢复原状", f"{en} was put back by undoing an import"),
        "deleted": Text(f"删除{zh}", f"{en} was deleted"),
    }


SUBJECTS: Final[Mapping[str, Subject]] = {
    "achievement": Subject(
        _owner_of_record, "/v1/achievements/{}", _of_list("本单位成果", "An own achievement")
    ),
    "demand": Subject(_owner_of_record, "/v1/demands/{}", _of_list("本单位需求", "An own demand")),
    "match_run": Subject(
        _named_by("organization_id"),
        "/v1/match-runs/{}",
        {
            "created": Text("开始批量匹配", "A match run was begun"),
            "done": Text("批量匹配完成", "A match run has finished"),
            "failed": Text("批量匹配失败", "A match run has failed"),
            "cancelled": Text("批量匹配被取消", "A match run was cancelled"),
        },
    ),
    "interest": Subject(
        _named_by("organization_id", "owner_id"),
        "/v1/interests/{}",
        {
            "expressed": Text(
                "提出对接意向，或已答复提问", "An interest was expressed, or answered"
            ),
            "asked": Text("信息所有方提问", "The owner asks about an interest"),
            "accepted": Text(
                "接受对接意向，双方已引荐", "An interest was accepted: both are introduced"
            ),
            "declined": Text("谢绝对接意向", "An interest was declined"),
            "withdrawn": Text("撤回对接意向", "An interest was withdrawn"),
        },
    ),
    "booking": Subject(
        _named_by("organization_id", "owner_id"),
        "/v1/bookings/{}",
        {
            "waiting": Text("仪器候补", "A booking waits for an instrument"),
            "requested": Text("申请预约仪器", "An instrument is asked for"),
            "approved": Text("预约已批准，或直接约定", "A booking was approved, or made at once"),
            "moved_up": Text("候补已排上", "There is room for what waited"),
            "in_use": Text("开始使用仪器", "The use of an instrument has begun"),
            "finished": Text("仪器使用结束", "The use of an instrument is recorded"),
            "rated": Text("用户评价", "The user has rated a use"),
            "declined": Text("谢绝预约", "A booking was declined"),
            "cancelled": Text("取消预约", "A booking was cancelled"),
            "lapsed": Text("预约逾期失效", "A booking has lapsed"),
            "no_show": Text("预约爽约", "Nobody came to a booking"),
        },
    ),
    "deal": Subject(_parties, "/v1/deals/{}", {}),
}

TEST: Final = "webhook.test"
"""What an endpoint is told of when it is tried; no others are, whatever types they want."""


def types() -> Iterator[tuple[str, Text]]:
    """The names of events with what they say, those of a kind together."""
    for kind, subject in SUBJECTS.items():
        for name, text in subject.events.items():
            yield f"{kind}.{name}", text


def known(pattern: str) -> bool:
    """Whether a text is an event's name, or the beginning of some: `deal.*`, or `*` for all."""
    kind, _, name = pattern.partition(".")
    if pattern == "*":
        return True
    return kind in SUBJECTS and (name == "*" or name in SUBJECTS[kind].events)


def wanted(patterns: list[str], action: str) -> bool:
    """Whether one of these names or beginnings takes in an event."""
    kind = action.partition(".")[0]
    return not {"*", f"{kind}.*", action}.isdisjoint(patterns)


async def audience(session: AsyncSession, event: Event) -> frozenset[uuid.UUID]:
    """The organizations that are told of an event; none of one that is not told of at all."""
    subject = SUBJECTS.get(event.subject_kind)
    # What is said about a record, as in feedback on a match, is not the record's own history.
    if subject is None or not event.action.startswith(f"{event.subject_kind}."):
        return frozenset()
    return await subject.audience(session, event)


def payload(event: Event) -> dict[str, Any]:
    """What is sent of an event: what happened, when, and to what."""
    subject = SUBJECTS.get(event.subject_kind)
    shown = _shown(event)
    return {
        "type": event.action,
        "timestamp": event.at.isoformat().replace("+00:00", "Z"),
        "data": {
            "kind": event.subject_kind,
            "id": str(event.subject_id),
            "version": shown.get("version"),
            "state": shown.get("state"),
            "path": subject.path.format(event.subject_id) if subject else None,
        },
    }
