"""How a booking moves from state to state, and who moves it: the one table."""

from enum import StrEnum
from typing import Final

from kechuangtong.models.booking import BookingState


class Side(StrEnum):
    """The two sides of a booking."""

    USER = "user"  # 用户方
    OWNER = "owner"  # 仪器所属单位


class Action(StrEnum):
    """What may be done to a booking."""

    APPROVE = "approve"  # 批准
    DECLINE = "decline"  # 谢绝
    CANCEL = "cancel"  # 取消
    START = "start"  # 开始使用
    FINISH = "finish"  # 结束使用
    NO_SHOW = "no-show"  # 记为爽约
    RATE = "rate"  # 评价
    LAPSE = "lapse"  # 逾期失效, which time does


_S, _A = BookingState, Action

ACTS: Final[dict[Action, frozenset[Side]]] = {
    _A.APPROVE: frozenset({Side.OWNER}),
    _A.DECLINE: frozenset({Side.OWNER}),
    _A.CANCEL: frozenset(Side),
    _A.START: frozenset(Side),
    _A.FINISH: frozenset({Side.OWNER}),
    _A.NO_SHOW: frozenset({Side.OWNER}),
    _A.RATE: frozenset({Side.USER}),
    _A.LAPSE: frozenset(),
}

TRANSITIONS: Final[dict[BookingState, dict[Action, BookingState]]] = {
    _S.WAITING: {_A.CANCEL: _S.CANCELLED, _A.LAPSE: _S.LAPSED},
    _S.REQUESTED: {
        _A.APPROVE: _S.APPROVED,
        _A.DECLINE: _S.DECLINED,
        _A.CANCEL: _S.CANCELLED,
        _A.LAPSE: _S.LAPSED,
    },
    _S.APPROVED: {
        _A.CANCEL: _S.CANCELLED,
        _A.START: _S.IN_USE,
        _A.FINISH: _S.FINISHED,
        _A.NO_SHOW: _S.NO_SHOW,
    },
    _S.IN_USE: {_A.FINISH: _S.FINISHED},
    _S.FINISHED: {_A.RATE: _S.FINISHED},
    _S.DECLINED: {},
    _S.CANCELLED: {},
    _S.LAPSED: {},
    _S.NO_SHOW: {},
}
# What holds its units: also what was used, for the time that it was.
HOLDING: Final = frozenset({_S.REQUESTED, _S.APPROVED, _S.IN_USE, _S.FINISHED})
