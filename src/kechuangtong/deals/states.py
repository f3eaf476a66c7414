"""How a deal moves from state to state, and which side moves it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from kechuangtong.models.deal import DealSide, DealState


class Action(StrEnum):
    """What may be done to a deal."""

    CREATE = "create"  # 建立交易: the first step of each
    AGREE_INTRODUCTION = "agree_introduction"  # 同意引荐
    AGREE_CONFIDENTIALITY = "agree_confidentiality"  # 签订保密协议
    START_NEGOTIATION = "start_negotiation"  # 开始洽谈
    PUBLISH_PRICE = "publish_price"  # 公示价格
    RETURN_TO_NEGOTIATION = "return_to_negotiation"  # 退回洽谈（公示有异议）
    SIGN_CONTRACT = "sign_contract"  # 签订合同
    APPLY_REGISTRATION = "apply_registration"  # 申请认定登记
    REGISTER = "register"  # 准予登记
    REFUSE_REGISTRATION = "refuse_registration"  # 不予登记
    START_PERFORMING = "start_performing"  # 开始履行
    RECORD_RECEIPT = "record_receipt"  # 记录到款
    COMPLETE = "complete"  # 完成交易
    TERMINATE = "terminate"  # 终止交易


class By(StrEnum):
    """Who does it."""

    SELLER = "seller"
    EITHER = "either"
    BOTH = "both"  # each side once; the second one's step moves the deal
    ANSWERER = "answerer"  # the side that did not open the deal


class Pricing(StrEnum):
    """How the price came to be (定价方式), after art. 18 of 促进科技成果转化法."""

    AGREEMENT = "agreement"  # 协议定价
    LISTING = "listing"  # 挂牌交易
    AUCTION = "auction"  # 拍卖
    NO_ACHIEVEMENT = "no_achievement"  # 不转让、许可已有成果（委托开发、咨询、服务）


BY_SALE: Final = frozenset({Pricing.LISTING, Pricing.AUCTION})
"""Ways in which a sale has found the price."""


class Cause(StrEnum):
    """Why a deal is terminated (终止原因): what is counted, beside what is written of it."""

    PRICE = "price"  # 价格未谈拢
    FUNDS = "funds"  # 资金未落实
    TECHNOLOGY = "technology"  # 技术未达要求
    RIGHTS = "rights"  # 知识产权问题
    OTHER_PARTNER = "other_partner"  # 另择合作方
    NO_LONGER_NEEDED = "no_longer_needed"  # 不再需要
    BREACH = "breach"  # 对方违约
    OTHER = "other"  # 其他


ACTS: Final[Mapping[Action, By]] = {
    Action.AGREE_INTRODUCTION: By.ANSWERER,
    Action.AGREE_CONFIDENTIALITY: By.BOTH,
    Action.START_NEGOTIATION: By.EITHER,
    Action.PUBLISH_PRICE: By.SELLER,
    Action.RETURN_TO_NEGOTIATION: By.SELLER,
    Action.SIGN_CONTRACT: By.BOTH,
    Action.APPLY_REGISTRATION: By.SELLER,
    Action.REGISTER: By.SELLER,
    Action.REFUSE_REGISTRATION: By.SELLER,
    Action.START_PERFORMING: By.EITHER,
    Action.RECORD_RECEIPT: By.SELLER,
    Action.COMPLETE: By.BOTH,
    Action.TERMINATE: By.EITHER,
}

TRANSITIONS: Final[Mapping[DealState, Mapping[Action, DealState]]] = {
    DealState.INTEREST: {
        Action.AGREE_INTRODUCTION: DealState.INTRODUCED,
        Action.TERMINATE: DealState.TERMINATED,
    },
    DealState.INTRODUCED: {
        Action.AGREE_CONFIDENTIALITY: DealState.CONFIDENTIAL,
        Action.START_NEGOTIATION: DealState.NEGOTIATION,
        Action.TERMINATE: DealState.TERMINATED,
    },
    DealState.CONFIDENTIAL: {
        Action.START_NEGOTIATION: DealState.NEGOTIATION,
        Action.TERMINATE: DealState.TERMINATED,
    },
    DealState.NEGOTIATION: {
        Action.PUBLISH_PRICE: DealState.PRICE_NOTICE,
        Action.SIGN_CONTRACT: DealState.SIGNED,
        Action.TERMINATE: DealState.TERMINATED,
    },
    DealState.PRICE_NOTICE: {
        Action.RETURN_TO_NEGOTIATION: DealState.NEGOTIATION,
        Action.SIGN_CONTRACT: DealState.SIGNED,
        Action.TERMINATE: DealState.TERMINATED,
    },
    DealState.SIGNED: {
        Action.APPLY_REGISTRATION: DealState.REGISTRATION_APPLIED,
        Action.START_PERFORMING: DealState.PERFORMING,
        Action.TERMINATE: DealState.TERMINATED,
    },
    DealState.REGISTRATION_APPLIED: {
        Action.REGISTER: DealState.REGISTERED,
        Action.REFUSE_REGISTRATION: DealState.REGISTRATION_REFUSED,
        Action.TERMINATE: DealState.TERMINATED,
    },
    DealState.REGISTERED: {
        Action.START_PERFORMING: DealState.PERFORMING,
        Action.TERMINATE: DealState.TERMINATED,
    },
    DealState.REGISTRATION_REFUSED: {
        Action.APPLY_REGISTRATION: DealState.REGISTRATION_APPLIED,
        Action.START_PERFORMING: DealState.PERFORMING,
        Action.TERMINATE: DealState.TERMINATED,
    },
    DealState.PERFORMING: {
        Action.RECORD_RECEIPT: DealState.RECEIPTS,
        Action.COMPLETE: DealState.COMPLETED,
        Action.TERMINATE: DealState.TERMINATED,
    },
    DealState.RECEIPTS: {
        Action.RECORD_RECEIPT: DealState.RECEIPTS,
        Action.COMPLETE: DealState.COMPLETED,
        Action.TERMINATE: DealState.TERMINATED,
    },
    DealState.COMPLETED: {},
    DealState.TERMINATED: {},
}

# What binds a side, or says that it was paid: its broker leaves that to the side's own people.
OF_PARTIES: Final = frozenset(
    {
        Action.AGREE_CONFIDENTIALITY,
        Action.SIGN_CONTRACT,
        Action.RECORD_RECEIPT,
        Action.COMPLETE,
        Action.TERMINATE,
    }
)
ENDED: Final = frozenset(state for state, actions in TRANSITIONS.items() if not actions)
BEFORE_SIGNING: Final = frozenset(
    {
        DealState.INTEREST,
        DealState.INTRODUCED,
        DealState.CONFIDENTIAL,
        DealState.NEGOTIATION,
        DealState.PRICE_NOTICE,
    }
)


def sides_of(action: Action, opened_by: DealSide) -> frozenset[DealSide]:
    """The sides that may do this to a deal that one side opened."""
    match ACTS[action]:
        case By.SELLER:
            return frozenset({DealSide.SELLER})
        case By.ANSWERER:
            return frozenset({opened_by.other})
        case By.EITHER | By.BOTH:
            return frozenset(DealSide)
