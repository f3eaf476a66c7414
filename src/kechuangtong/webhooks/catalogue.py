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
from kechuangtong.deals.states import Action
from kechuangtong.models import Broker, DealParty, Event

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
    """A deal is its parties', and the one that leaves it is told so."""
    before = (event.before or {}).get("parties", ())
    left = frozenset(uuid.UUID(one["organization_id"]) for one in before)
    return await _parties_of(session, event.subject_id) | left


async def _parties_of_its_deal(session: AsyncSession, event: Event) -> frozenset[uuid.UUID]:
    """What belongs to a deal is for the deal's parties."""
    return await _parties_of(session, uuid.UUID(_shown(event)["deal_id"]))


async def _parties_of(session: AsyncSession, deal_id: uuid.UUID) -> frozenset[uuid.UUID]:
    found = await session.scalars(
        select(DealParty.organization_id).where(DealParty.deal_id == deal_id)
    )
    return frozenset(found)


async def _of_mandate(session: AsyncSession, event: Event) -> frozenset[uuid.UUID]:
    """A mandate is for who gives it, and for the institution of the broker."""
    shown = _shown(event)
    broker = await session.get(Broker, uuid.UUID(shown["broker_id"]))
    institution = frozenset() if broker is None else frozenset({broker.organization_id})
    return institution | {uuid.UUID(shown["organization_id"])}


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
    "deal": Subject(
        _parties,
        "/v1/deals/{}",
        {
            "created": Text("建立交易", "A deal was opened"),
            "party_added": Text("交易增加一方", "A party joined a deal"),
            "party_removed": Text("交易减少一方", "A party left a deal"),
            "publication_agreed": Text("一方同意公开交易", "A side agrees to make a deal public"),
            "publication_withdrawn": Text(
                "一方撤回公开交易的同意", "A side no longer agrees to make a deal public"
            ),
            "broker_joined": Text("技术经纪人参与交易", "A broker joined a deal"),
            "broker_agreed": Text("对方同意技术经纪人参与", "The other side agrees to a broker"),
            "broker_left": Text("技术经纪人退出交易", "A broker left a deal"),
            Action.AGREE_INTRODUCTION: Text("同意引荐", "The introduction was agreed to"),
            Action.AGREE_CONFIDENTIALITY: Text(
                "一方签订保密协议", "A side has agreed to confidentiality"
            ),
            Action.START_NEGOTIATION: Text("开始洽谈", "The negotiation has begun"),
            Action.PUBLISH_PRICE: Text("公示价格", "The price is on public notice"),
            Action.RETURN_TO_NEGOTIATION: Text("退回洽谈", "Back to the negotiation"),
            Action.SIGN_CONTRACT: Text("一方签订合同", "A side has signed"),
            Action.APPLY_REGISTRATION: Text("申请认定登记", "The registration was applied for"),
            Action.REGISTER: Text("准予登记", "The contract is registered"),
            Action.REFUSE_REGISTRATION: Text("不予登记", "The registration was refused"),
            Action.START_PERFORMING: Text("开始履行", "The performance has begun"),
            Action.RECORD_RECEIPT: Text("记录到款", "Money was received"),
            Action.COMPLETE: Text("一方确认完成", "A side says that the deal is complete"),
            Action.TERMINATE: Text("终止交易", "The deal was terminated"),
        },
    ),
    "contract": Subject(
        _parties_of_its_deal,
        "/v1/contracts/{}",
        {
            "created": Text("起草合同", "A contract was drafted"),
            "changed": Text("修改合同", "A contract was changed"),
            "confirmed": Text("一方确认合同", "A side has confirmed a contract"),
            "signed": Text("合同签订", "A contract is signed"),
            "discarded": Text("合同作废", "A draft was discarded"),
            "amendment_proposed": Text("一方提议变更合同", "A side proposes an amendment"),
            "cancellation_proposed": Text("一方提议解除合同", "A side proposes to cancel"),
            "proposal_dropped": Text("放弃提议", "A proposal was dropped"),
            "amended": Text("合同变更", "A contract was amended"),
            "cancelled": Text("合同解除", "A contract was cancelled"),
            "registration_applied": Text("申请认定登记", "The registration was applied for"),
            "registration_accepted": Text("受理认定登记", "The application was accepted"),
            "registered": Text("准予登记", "A contract is registered"),
            "registration_refused": Text("不予登记", "The registration was refused"),
        },
    ),
    "payment": Subject(
        _parties_of_its_deal,
        "/v1/contracts/{}",
        {
            "dated": Text("付款条件达成", "A payment has a due date now"),
            "received": Text("记录到款", "A payment was received"),
            "reversed": Text("冲销到款", "A receipt was reversed"),
            "due": Text("付款即将到期", "A payment is due soon"),
            "reported": Text("报告提成基数", "What royalties are reckoned from was reported"),
            "overdue": Text("付款逾期", "A payment is overdue"),
        },
    ),
    "sale": Subject(
        _named_by("organization_id"),
        "/v1/sales/{}",
        {
            "created": Text("新建定价交易", "A sale was drafted"),
            "changed": Text("修改定价交易", "A sale was changed"),
            "published": Text("公示、挂牌或拍卖开始", "A sale has begun"),
            "objected": Text("收到异议", "Somebody objects to a sale"),
            "objection_upheld": Text("异议成立", "An objection was upheld"),
            "objection_dismissed": Text("异议不成立", "An objection was dismissed"),
            "applied": Text("收到挂牌申请", "Somebody applied for what is listed"),
            "bid": Text("收到竞价", "Somebody has bid"),
            "first_refusal_offered": Text("征询优先受让", "The makers are asked first"),
            "first_refusal_taken": Text("完成人优先受让", "The makers take it"),
            "first_refusal_declined": Text("完成人放弃优先受让", "The makers do not take it"),
            "closed": Text("截止", "A sale has closed"),
            "awarded": Text("成交", "A sale was awarded"),
            "failed": Text("未成交", "Nothing was sold"),
            "withdrawn": Text("撤回定价交易", "A sale was withdrawn"),
        },
    ),
    "broker": Subject(
        _named_by("organization_id"),
        "/v1/brokers/{}",
        {
            "created": Text("登记本单位技术经纪人", "An own broker was entered"),
            "changed": Text("修改技术经纪人", "A broker was changed"),
            "submitted": Text("技术经纪人提交审核", "A broker was submitted for review"),
            "approved": Text("技术经纪人审核通过", "A broker was approved"),
            "returned": Text("技术经纪人被退回", "A broker was returned by review"),
            "suspended": Text("技术经纪人被暂停", "A broker was suspended"),
            "reinstated": Text("技术经纪人恢复", "A broker was reinstated"),
            "renewed": Text("技术经纪人换证", "A broker's certificate was renewed"),
        },
    ),
    "mandate": Subject(
        _of_mandate,
        "/v1/mandates/{}",
        {
            "offered": Text("提出委托", "A mandate was offered"),
            "accepted": Text("接受委托", "A mandate was accepted"),
            "declined": Text("谢绝委托", "A mandate was declined"),
            "revoked": Text("撤销委托", "A mandate was revoked"),
            "resigned": Text("辞任", "A broker has resigned from a mandate"),
        },
    ),
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
    kind, _, name = event.action.partition(".")
    # Of what is not described none are told: feedback on a match is about a demand, too, and not
    # for the demand's owner.
    subject = SUBJECTS.get(kind)
    if kind != event.subject_kind or subject is None or name not in subject.events:
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
