"""How a sale moves from state to state, and who moves it: the one table."""

from enum import StrEnum
from typing import Final

from kechuangtong.models.sale import SaleState


class Action(StrEnum):
    """What may be done to a sale."""

    CHANGE = "change"  # 修改
    PUBLISH = "publish"  # 发布
    WITHDRAW = "withdraw"  # 撤回
    APPLY = "apply"  # 申请购买
    BID = "bid"  # 竞价
    OBJECT = "object"  # 提出异议
    DISMISS = "dismiss"  # 异议不成立
    UPHOLD = "uphold"  # 异议成立
    OFFER = "offer"  # 征询优先受让权
    ANSWER = "answer"  # 记录优先受让权答复
    AWARD = "award"  # 成交
    CLOSE = "close"  # 截止, which time does
    FAIL = "fail"  # 未成交, which time does


_S, _A = SaleState, Action

# What only others than the owner may do, and what time alone does; all else is the owner's.
OTHERS: Final = frozenset({_A.APPLY, _A.BID})
BY_TIME: Final = frozenset({_A.CLOSE, _A.FAIL})

TRANSITIONS: Final[dict[SaleState, dict[Action, SaleState]]] = {
    _S.DRAFT: {_A.CHANGE: _S.DRAFT, _A.PUBLISH: _S.OPEN, _A.WITHDRAW: _S.WITHDRAWN},
    _S.OPEN: {
        _A.APPLY: _S.OPEN,
        _A.BID: _S.OPEN,
        _A.OBJECT: _S.OPEN,
        _A.DISMISS: _S.OPEN,
        _A.UPHOLD: _S.FAILED,
        _A.OFFER: _S.OPEN,
        _A.ANSWER: _S.OPEN,
        _A.WITHDRAW: _S.WITHDRAWN,
        _A.CLOSE: _S.CLOSED,
        _A.FAIL: _S.FAILED,
    },
    _S.CLOSED: {
        _A.DISMISS: _S.CLOSED,
        _A.UPHOLD: _S.FAILED,
        _A.OFFER: _S.CLOSED,
        _A.ANSWER: _S.CLOSED,
        _A.WITHDRAW: _S.WITHDRAWN,
        _A.AWARD: _S.AWARDED,
    },
    _S.AWARDED: {},
    _S.FAILED: {},
    _S.WITHDRAWN: {},
}
