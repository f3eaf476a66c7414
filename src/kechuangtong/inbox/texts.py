"""What notices say, and where what they speak of is."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from kechuangtong.core.language import Text
from kechuangtong.deals.states import Action
from kechuangtong.deals.texts import ACTIONS
from kechuangtong.models.notice import NoticeKind
from kechuangtong.reviews.texts import in_words

TITLES: Final = {
    NoticeKind.INTEREST_EXPRESSED: Text("收到对接意向", "An interest was expressed"),
    NoticeKind.INTEREST_ASKED: Text("对方有一个问题", "The other side asks"),
    NoticeKind.INTEREST_ANSWERED: Text("对方已答复", "The other side has answered"),
    NoticeKind.INTEREST_ACCEPTED: Text("对接意向已被接受", "The interest was accepted"),
    NoticeKind.INTEREST_DECLINED: Text("对接意向被谢绝", "The interest was declined"),
    NoticeKind.INTEREST_WITHDRAWN: Text("对接意向已撤回", "The interest was withdrawn"),
    NoticeKind.REVIEW_APPROVED: Text("审核通过", "Approved in review"),
    NoticeKind.REVIEW_RETURNED: Text("审核退回，请修改", "Returned by review"),
    NoticeKind.LISTING_EXPIRING: Text("即将到期", "Expires soon"),
    NoticeKind.LISTING_EXPIRED: Text("已到期", "Has expired"),
    NoticeKind.BOOKING_REQUESTED: Text("收到仪器预约申请", "An instrument is asked for"),
    NoticeKind.BOOKING_MADE: Text("有新的仪器预约", "An instrument was booked"),
    NoticeKind.BOOKING_WAITS: Text("有新的仪器候补", "A booking waits for an instrument"),
    NoticeKind.BOOKING_APPROVED: Text("仪器预约已批准", "The booking was approved"),
    NoticeKind.BOOKING_DECLINED: Text("仪器预约被谢绝", "The booking was declined"),
    NoticeKind.BOOKING_CANCELLED: Text("仪器预约已取消", "The booking was cancelled"),
    NoticeKind.BOOKING_MEETS_CLOSURE: Text(
        "仪器预约遇停机", "An instrument is closed during the booking"
    ),
    NoticeKind.BOOKING_MOVED_UP: Text("仪器候补已排上", "There is room for what waited"),
    NoticeKind.BOOKING_LAPSED: Text("仪器预约逾期失效", "The booking has lapsed"),
    NoticeKind.BOOKING_FINISHED: Text("仪器使用已记录", "The use of an instrument was recorded"),
    NoticeKind.BOOKING_NO_SHOW: Text("仪器预约记为爽约", "Nobody came to the booking"),
    NoticeKind.BROKER_APPROVED: Text("经纪人登记通过", "A broker is registered"),
    NoticeKind.BROKER_RETURNED: Text("经纪人登记退回", "A broker's record was returned"),
    NoticeKind.BROKER_SUSPENDED: Text("经纪人登记暂停", "A broker is suspended"),
    NoticeKind.BROKER_REINSTATED: Text("经纪人登记恢复", "A broker is reinstated"),
    NoticeKind.BROKER_CONFLICT: Text(
        "经纪人声明利益冲突", "A broker declared a conflict of interest"
    ),
    NoticeKind.MANDATE_OFFERED: Text("收到委托", "A mandate is offered"),
    NoticeKind.MANDATE_ACCEPTED: Text("委托已被接受", "The mandate was accepted"),
    NoticeKind.MANDATE_DECLINED: Text("委托被谢绝", "The mandate was declined"),
    NoticeKind.MANDATE_REVOKED: Text("委托被撤销", "The mandate was revoked"),
    NoticeKind.MANDATE_RESIGNED: Text("经纪人已辞任", "The broker has resigned"),
    NoticeKind.DEAL_BROKER_JOINED: Text("经纪人进入交易", "A broker has joined a deal"),
    NoticeKind.SALE_APPLIED: Text("有单位申请购买", "Somebody wants to buy"),
    NoticeKind.SALE_OBJECTED: Text("价格公示收到异议", "An agreed price is objected to"),
    NoticeKind.SALE_OBJECTION_DECIDED: Text("异议已处理", "The objection was decided"),
    NoticeKind.SALE_OUTBID: Text("出价已被超过", "Somebody has bid more"),
    NoticeKind.SALE_CLOSED: Text("出让已截止，请确认成交", "A sale has closed: award it"),
    NoticeKind.SALE_FAILED: Text("出让未成交", "Nothing was sold"),
    NoticeKind.SALE_AWARDED: Text("出让已成交", "The sale is yours"),
    NoticeKind.SALE_LOST: Text("出让未由贵单位成交", "The sale has ended without you"),
    NoticeKind.SALE_WITHDRAWN: Text("出让已撤回", "The sale was withdrawn"),
    NoticeKind.CONTRACT_CREATED: Text("合同已草拟", "A contract was drafted"),
    NoticeKind.CONTRACT_CONFIRMED: Text("对方已确认合同", "The other side has confirmed"),
    NoticeKind.CONTRACT_SIGNED: Text("合同已签订", "The contract is signed"),
    NoticeKind.CONTRACT_DISCARDED: Text("合同草稿已作废", "The draft of a contract was discarded"),
    NoticeKind.CONTRACT_AMENDMENT: Text("对方提议变更合同", "An amendment is proposed"),
    NoticeKind.CONTRACT_AMENDED: Text("合同已变更", "The contract was amended"),
    NoticeKind.CONTRACT_CANCELLATION: Text("对方提议解除合同", "A cancellation is proposed"),
    NoticeKind.CONTRACT_CANCELLED: Text("合同已解除", "The contract was cancelled"),
    NoticeKind.CONTRACT_PROPOSAL_DROPPED: Text("提议已放弃", "A proposal was dropped"),
    NoticeKind.CONTRACT_REGISTERED: Text("合同已认定登记", "The contract is registered"),
    NoticeKind.CONTRACT_NOT_REGISTERED: Text("合同不予登记", "The contract is not registered"),
    NoticeKind.PAYMENT_DUE: Text("款项即将到期", "A payment is due soon"),
    NoticeKind.PAYMENT_OVERDUE: Text("款项逾期", "A payment is overdue"),
    NoticeKind.PAYMENT_RECEIVED: Text("已到款", "A payment was received"),
    NoticeKind.PAYMENT_REVERSED: Text("到款已冲销", "A receipt was reversed"),
    NoticeKind.DEAL_OPENED: Text("有新的交易", "A deal was opened"),
    NoticeKind.DEAL_STEP: Text("交易有进展", "A deal moves on"),
    NoticeKind.DEAL_PUBLICATION: Text("对方同意公开交易", "A deal is to be made public"),
    NoticeKind.SEARCH_ALERT: Text("订阅检索有新结果", "A saved search found something new"),
    NoticeKind.MATCH_RUN_DONE: Text("批量匹配已完成", "A match run has finished"),
    NoticeKind.WEBHOOK_FAILED: Text("事件推送失败", "A webhook could not be delivered"),
    NoticeKind.WEBHOOK_GONE: Text("事件推送地址已不存在", "A webhook's address is gone"),
    NoticeKind.WEBHOOK_DISABLED: Text("事件推送已停用", "A webhook was disabled"),
}

# What stands in them is given to `notify`: beside the subject's title the other organization, a
# reviewer's reasons and comment, the last day of validity, when a booking begins and what it costs
# or why it ended, how many records were found and the first titles, how many pairs came and went,
# the first event that could not be delivered.
_SENTENCES: Final = {
    NoticeKind.INTEREST_EXPRESSED: Text(
        "{organization}对“{title}”提出对接意向，请接受、提问或谢绝。",
        '{organization} is interested in "{title}": accept, ask, or decline.',
    ),
    NoticeKind.INTEREST_ASKED: Text(
        "{organization}就“{title}”的对接意向提出问题，请答复。",
        '{organization} asks about the interest in "{title}": answer.',
    ),
    NoticeKind.INTEREST_ANSWERED: Text(
        "{organization}已答复关于“{title}”的问题，请接受或谢绝。",
        '{organization} has answered about "{title}": accept or decline.',
    ),
    NoticeKind.INTEREST_ACCEPTED: Text(
        "{organization}已接受关于“{title}”的对接意向，双方联系方式已可查看。",
        '{organization} has accepted the interest in "{title}": you can now see whom to call.',
    ),
    NoticeKind.INTEREST_DECLINED: Text(
        "{organization}谢绝了关于“{title}”的对接意向。",
        '{organization} has declined the interest in "{title}".',
    ),
    NoticeKind.INTEREST_WITHDRAWN: Text(
        "{organization}撤回了对“{title}”的对接意向。",
        '{organization} has withdrawn its interest in "{title}".',
    ),
    NoticeKind.REVIEW_APPROVED: Text("“{title}”已通过审核。", '"{title}" was approved in review.'),
    NoticeKind.REVIEW_RETURNED: Text(
        "“{title}”被退回（{reasons}），请修改后重新提交。{comment}",
        '"{title}" was returned ({reasons}): change it, and submit it again. {comment}',
    ),
    NoticeKind.LISTING_EXPIRING: Text(
        "“{title}”的有效期至 {valid_until}，如仍有效请延长。",
        '"{title}" is valid until {valid_until}: set a later date where it still holds.',
    ),
    NoticeKind.LISTING_EXPIRED: Text(
        "“{title}”的有效期至 {valid_until}，已不再参与检索和匹配。",
        '"{title}" was valid until {valid_until}, and is no longer found or matched.',
    ),
    NoticeKind.BOOKING_REQUESTED: Text(
        "{organization}申请于 {when} 起使用“{title}”，请批准或谢绝。",
        '{organization} asks for "{title}" from {when} on: approve or decline.',
    ),
    NoticeKind.BOOKING_MADE: Text(
        "{organization}已预约“{title}”，{when} 起。",
        '{organization} has booked "{title}" from {when} on.',
    ),
    NoticeKind.BOOKING_WAITS: Text(
        "{organization}在候补“{title}”，{when} 起。",
        '{organization} waits for "{title}" from {when} on.',
    ),
    NoticeKind.BOOKING_APPROVED: Text(
        "“{title}”{when} 起的预约已获批准。", 'The booking of "{title}" from {when} on is approved.'
    ),
    NoticeKind.BOOKING_DECLINED: Text(
        "“{title}”{when} 起的预约被谢绝：{comment}",
        'The booking of "{title}" from {when} on was declined: {comment}',
    ),
    NoticeKind.BOOKING_CANCELLED: Text(
        "{organization}取消了“{title}”{when} 起的预约。{comment}",
        '{organization} has cancelled the booking of "{title}" from {when} on. {comment}',
    ),
    NoticeKind.BOOKING_MEETS_CLOSURE: Text(
        "“{title}”{when} 起的预约遇仪器停机（{comment}），请改约或联系{organization}。",
        'The booking of "{title}" from {when} on meets a closure ({comment}): book another time, '
        "or ask {organization}.",
    ),
    NoticeKind.BOOKING_MOVED_UP: Text(
        "“{title}”{when} 起的候补已排上。", 'What waited for "{title}" from {when} on has room now.'
    ),
    NoticeKind.BOOKING_LAPSED: Text(
        "“{title}”{when} 起的预约未获处理，已逾期失效。",
        'The booking of "{title}" from {when} on was not decided in time, and has lapsed.',
    ),
    NoticeKind.BOOKING_FINISHED: Text(
        "“{title}”{when} 起的使用已记录，费用 {fee} 元。",
        'The use of "{title}" from {when} on is recorded; it costs {fee} yuan.',
    ),
    NoticeKind.BOOKING_NO_SHOW: Text(
        "“{title}”{when} 起的预约无人到场，记为爽约。",
        'Nobody came to the booking of "{title}" from {when} on.',
    ),
    NoticeKind.BROKER_APPROVED: Text("经纪人{title}已登记。", "The broker {title} is registered."),
    NoticeKind.BROKER_RETURNED: Text(
        "经纪人{title}的登记被退回：{comment}", "The record of {title} was returned: {comment}"
    ),
    NoticeKind.BROKER_SUSPENDED: Text(
        "经纪人{title}的登记已暂停：{comment}", "The broker {title} is suspended: {comment}"
    ),
    NoticeKind.BROKER_REINSTATED: Text(
        "经纪人{title}的登记已恢复。", "The broker {title} is reinstated."
    ),
    NoticeKind.BROKER_CONFLICT: Text(
        "经纪人{title}声明与贵单位有利益冲突，请处理对其的委托。",
        "{title} has declared a conflict of interest with your organization: decide about the "
        "mandate.",
    ),
    NoticeKind.MANDATE_OFFERED: Text(
        "{organization}就“{title}”向{broker}提出委托，请接受或谢绝。",
        '{organization} offers {broker} a mandate for "{title}": accept or decline.',
    ),
    NoticeKind.MANDATE_ACCEPTED: Text(
        "{broker}接受了“{title}”的委托。", '{broker} has accepted the mandate for "{title}".'
    ),
    NoticeKind.MANDATE_DECLINED: Text(
        "{broker}谢绝了“{title}”的委托。{comment}",
        '{broker} has declined the mandate for "{title}". {comment}',
    ),
    NoticeKind.MANDATE_REVOKED: Text(
        "{organization}撤销了对{broker}就“{title}”的委托。{comment}",
        '{organization} has revoked the mandate of {broker} for "{title}". {comment}',
    ),
    NoticeKind.MANDATE_RESIGNED: Text(
        "{broker}辞去了“{title}”的委托。{comment}",
        '{broker} has resigned the mandate for "{title}". {comment}',
    ),
    NoticeKind.DEAL_BROKER_JOINED: Text(
        "经纪人{broker}受{organization}委托进入交易“{title}”。",
        'The broker {broker} has joined the deal "{title}" for {organization}.',
    ),
    NoticeKind.SALE_APPLIED: Text(
        "{organization}申请购买“{title}”。", '{organization} applies to buy "{title}".'
    ),
    NoticeKind.SALE_OBJECTED: Text(
        "{organization}对“{title}”的公示价格提出异议，请处理。",
        '{organization} objects to the price of "{title}": decide.',
    ),
    NoticeKind.SALE_OBJECTION_DECIDED: Text(
        "对“{title}”的异议已处理：{comment}", 'The objection to "{title}" was decided: {comment}'
    ),
    NoticeKind.SALE_OUTBID: Text(
        "“{title}”已有更高出价 {amount} 元。", 'There is a higher bid for "{title}": {amount} yuan.'
    ),
    NoticeKind.SALE_CLOSED: Text(
        "“{title}”已截止，价格为 {amount} 元，请确认成交。",
        '"{title}" has closed at {amount} yuan: award it.',
    ),
    NoticeKind.SALE_FAILED: Text("“{title}”已结束，未成交。", '"{title}" has ended unsold.'),
    NoticeKind.SALE_AWARDED: Text(
        "“{title}”由贵单位以 {amount} 元成交。", '"{title}" goes to you for {amount} yuan.'
    ),
    NoticeKind.SALE_LOST: Text(
        "“{title}”已结束，未由贵单位成交。", '"{title}" has ended, and does not go to you.'
    ),
    NoticeKind.SALE_WITHDRAWN: Text(
        "“{title}”已撤回：{comment}", '"{title}" was withdrawn: {comment}'
    ),
    NoticeKind.CONTRACT_CREATED: Text(
        "{organization}已草拟合同“{title}”，请查看、修改或确认。",
        '{organization} has drafted the contract "{title}": read, change, or confirm it.',
    ),
    NoticeKind.CONTRACT_CONFIRMED: Text(
        "{organization}已确认合同“{title}”，贵方确认后即签订。",
        '{organization} has confirmed the contract "{title}": it is signed once you do, too.',
    ),
    NoticeKind.CONTRACT_SIGNED: Text(
        "合同“{title}”经双方确认，已签订。", 'Both sides have confirmed: "{title}" is signed.'
    ),
    NoticeKind.CONTRACT_DISCARDED: Text(
        "{organization}作废了合同草稿“{title}”。",
        '{organization} has discarded the draft of the contract "{title}".',
    ),
    NoticeKind.CONTRACT_AMENDMENT: Text(
        "{organization}提议变更合同“{title}”，请确认或放弃：{comment}",
        '{organization} proposes to amend the contract "{title}", confirm or drop it: {comment}',
    ),
    NoticeKind.CONTRACT_AMENDED: Text(
        "合同“{title}”已经双方同意变更。", 'The contract "{title}" was amended, as both agreed.'
    ),
    NoticeKind.CONTRACT_CANCELLATION: Text(
        "{organization}提议解除合同“{title}”，请确认或放弃：{comment}",
        '{organization} proposes to cancel the contract "{title}", confirm or drop it: {comment}',
    ),
    NoticeKind.CONTRACT_CANCELLED: Text(
        "合同“{title}”已经双方同意解除。", 'The contract "{title}" was cancelled, as both agreed.'
    ),
    NoticeKind.CONTRACT_PROPOSAL_DROPPED: Text(
        "{organization}放弃了关于合同“{title}”的提议。",
        '{organization} has dropped what was proposed of the contract "{title}".',
    ),
    NoticeKind.CONTRACT_REGISTERED: Text(
        "合同“{title}”已认定登记，编号 {comment}。",
        'The contract "{title}" is registered: {comment}.',
    ),
    NoticeKind.CONTRACT_NOT_REGISTERED: Text(
        "合同“{title}”不予登记。{comment}", 'The contract "{title}" is not registered. {comment}'
    ),
    NoticeKind.PAYMENT_DUE: Text(
        "合同“{title}”有一笔款项将于 {when} 到期，尚有 {fee} 元未到。",
        'By the contract "{title}" a payment is due on {when}; {fee} yuan of it are open.',
    ),
    NoticeKind.PAYMENT_OVERDUE: Text(
        "合同“{title}”有一笔款项已于 {when} 到期，尚有 {fee} 元未到。",
        'By the contract "{title}" a payment was due on {when}; {fee} yuan of it are open.',
    ),
    NoticeKind.PAYMENT_RECEIVED: Text(
        "合同“{title}”的 {fee} 元已于 {when} 到款。",
        '{fee} yuan of the contract "{title}" were received on {when}.',
    ),
    NoticeKind.PAYMENT_REVERSED: Text(
        "合同“{title}”的一笔到款 {fee} 元已冲销：{comment}",
        'A receipt of {fee} yuan of the contract "{title}" was reversed: {comment}',
    ),
    NoticeKind.DEAL_OPENED: Text(
        "{organization}就“{title}”建立了交易。", '{organization} has opened a deal on "{title}".'
    ),
    NoticeKind.DEAL_PUBLICATION: Text(
        "{organization}同意公开交易“{title}”，贵方也同意后即公开。",
        '{organization} agrees that the deal "{title}" is public: it is once you do, too.',
    ),
    NoticeKind.DEAL_STEP: Text(
        "{organization}在交易“{title}”中：{action}。",
        '{organization} in the deal "{title}": {action}.',
    ),
    NoticeKind.SEARCH_ALERT: Text(
        "“{title}”有 {count} 条新结果：{titles}。", '"{title}" has {count} new: {titles}.'
    ),
    NoticeKind.MATCH_RUN_DONE: Text(
        "{title} 的批量匹配已完成：新增 {count} 对，消失 {gone} 对。",
        "The match run of {title} has finished: {count} new pairs, {gone} gone.",
    ),
    NoticeKind.WEBHOOK_FAILED: Text(
        "“{title}”多次推送均失败，首个未送达的事件为 {event}；请在推送记录中查看原因并重新推送。",
        '"{title}" could not be reached in any try; the first event that it was not told of is '
        "{event}. See its deliveries, and replay them.",
    ),
    NoticeKind.WEBHOOK_GONE: Text(
        "“{title}”答复称地址已不存在（410），已停用推送。",
        '"{title}" has answered that it is gone (410), and is disabled.',
    ),
    NoticeKind.WEBHOOK_DISABLED: Text(
        "“{title}”连续 5 天推送失败，已停用；修复后请重新启用。",
        '"{title}" has failed for 5 days, and is disabled: make it active when it works again.',
    ),
}
_NOT_NAMED: Final = Text("某单位（暂不具名）", "An organization (not named yet)")

_PATHS: Final = {
    "achievement": "/v1/achievements/{}",
    "demand": "/v1/demands/{}",
    "organization": "/v1/organizations/{}",
    "interest": "/v1/interests/{}",
    "introduction": "/v1/introductions/{}",
    "contract": "/v1/contracts/{}",
    "booking": "/v1/bookings/{}",
    "broker": "/v1/brokers/{}",
    "mandate": "/v1/mandates/{}",
    "sale": "/v1/sales/{}",
    "deal": "/v1/deals/{}",
    "saved_search": "/v1/saved-searches/{}/results",
    "match_run": "/v1/match-runs/{}",
    "webhook": "/v1/webhooks/{}",
}


def sentence(kind: NoticeKind, data: Mapping[str, Any]) -> Text:
    """What happened, and what is asked for."""
    template = _SENTENCES[kind]
    values = {
        **data,
        "comment": data.get("comment") or "",
        "titles": "、".join(data.get("titles", ())),
    }
    organization = data.get("organization")
    named = _NOT_NAMED if organization is None else Text(organization, organization)
    why = in_words(data.get("reasons", ()))
    done = ACTIONS[Action(data["action"])] if "action" in data else Text("", "")
    zh = {"organization": named.zh, "reasons": why.zh, "action": done.zh}
    en = {"organization": named.en, "reasons": why.en, "action": done.en}
    return Text(
        template.zh.format(**{**values, **zh}).strip(),
        template.en.format(**{**values, **en}).strip(),
    )


def link(subject_kind: str, subject_id: uuid.UUID) -> str:
    """The path of what a notice speaks of."""
    return _PATHS[subject_kind].format(subject_id)


def page_link(subject_kind: str, subject_id: uuid.UUID) -> str:
    """The page of what a notice speaks of."""
    return link(subject_kind, subject_id).removeprefix("/v1")
