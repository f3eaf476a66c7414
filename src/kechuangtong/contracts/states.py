"""How a contract moves from state to state, and which side moves it."""

from enum import StrEnum
from typing import Final

from kechuangtong.models.contract import ContractState
from kechuangtong.models.deal import DealSide


class Action(StrEnum):
    """What may be done to a contract."""

    CHANGE = "change"  # 修改草稿
    CONFIRM = "confirm"  # 确认；双方确认即签订
    DISCARD = "discard"  # 作废
    AMEND = "amend"  # 提议变更
    CANCEL = "cancel"  # 提议解除
    ANSWER = "answer"  # 答复对方的提议
    REGISTER = "register"  # 认定登记
    RECEIVE = "receive"  # 记录到款
    REVERSE = "reverse"  # 冲销到款
    REPORT = "report"  # 报告提成基数
    REACH = "reach"  # 付款条件达成


# What a side's broker may do, too; what binds the side, or says what was paid, its own people do.
BY_BROKERS: Final = frozenset({Action.CHANGE, Action.DISCARD, Action.REGISTER})

_EITHER: Final = frozenset(DealSide)
_SELLER: Final = frozenset({DealSide.SELLER})
_BUYER: Final = frozenset({DealSide.BUYER})

# Registering is the seller's, and of what comes from abroad the buyer's: `sides_of` says so.
_SIDES: Final[dict[Action, frozenset[DealSide]]] = {
    **dict.fromkeys(Action, _EITHER),
    Action.REGISTER: _SELLER,
    Action.RECEIVE: _SELLER,
    Action.REVERSE: _SELLER,
    Action.REPORT: _BUYER,
    Action.REACH: _BUYER,
}

# Where each action leads once it is complete: by the second side's confirmation a draft is signed,
# by a confirmed cancellation a contract is cancelled; until then it stays what it is.
TRANSITIONS: Final[dict[ContractState, dict[Action, ContractState]]] = {
    ContractState.DRAFT: {
        Action.CHANGE: ContractState.DRAFT,
        Action.CONFIRM: ContractState.SIGNED,
        Action.DISCARD: ContractState.DISCARDED,
    },
    ContractState.SIGNED: {
        Action.AMEND: ContractState.SIGNED,
        Action.CANCEL: ContractState.CANCELLED,
        Action.ANSWER: ContractState.SIGNED,
        Action.REGISTER: ContractState.SIGNED,
        Action.RECEIVE: ContractState.SIGNED,
        Action.REVERSE: ContractState.SIGNED,
        Action.REPORT: ContractState.SIGNED,
        Action.REACH: ContractState.SIGNED,
    },
    # What was received by mistake can still be taken back.
    ContractState.CANCELLED: {Action.REVERSE: ContractState.CANCELLED},
    ContractState.DISCARDED: {},
}


def sides_of(action: Action, *, technology_import: bool) -> frozenset[DealSide]:
    """The sides that may do it."""
    if action is Action.REGISTER and technology_import:
        return _BUYER
    return _SIDES[action]
