"""How an interest moves from state to state, and which side moves it."""

from enum import StrEnum

from kechuangtong.models.interest import InterestState


class Side(StrEnum):
    """The two sides of an interest."""

    SENDER = "sender"  # 意向方
    OWNER = "owner"  # 信息所有方

    @property
    def other(self) -> "Side":
        return Side.OWNER if self is Side.SENDER else Side.SENDER


class Action(StrEnum):
    """What may be done to an interest."""

    ACCEPT = "accept"  # 接受
    ASK = "ask"  # 提问
    ANSWER = "answer"  # 答复
    DECLINE = "decline"  # 谢绝
    WITHDRAW = "withdraw"  # 撤回


ACTS: dict[Action, Side] = {
    Action.ACCEPT: Side.OWNER,
    Action.ASK: Side.OWNER,
    Action.DECLINE: Side.OWNER,
    Action.ANSWER: Side.SENDER,
    Action.WITHDRAW: Side.SENDER,
}

TRANSITIONS: dict[InterestState, dict[Action, InterestState]] = {
    InterestState.EXPRESSED: {
        Action.ACCEPT: InterestState.ACCEPTED,
        Action.ASK: InterestState.ASKED,
        Action.DECLINE: InterestState.DECLINED,
        Action.WITHDRAW: InterestState.WITHDRAWN,
    },
    InterestState.ASKED: {
        Action.ACCEPT: InterestState.ACCEPTED,
        Action.ANSWER: InterestState.EXPRESSED,
        Action.DECLINE: InterestState.DECLINED,
        Action.WITHDRAW: InterestState.WITHDRAWN,
    },
    InterestState.ACCEPTED: {},
    InterestState.DECLINED: {},
    InterestState.WITHDRAWN: {},
}

OPEN = (InterestState.EXPRESSED, InterestState.ASKED)
