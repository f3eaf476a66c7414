"""How a broker's registration and a mandate move from state to state, and who moves them."""

from enum import StrEnum

from kechuangtong.models.broker import BrokerState, MandateState


class Action(StrEnum):
    """What may be done to a broker's registration."""

    SUBMIT = "submit"  # 提交审核
    APPROVE = "approve"  # 审核通过
    RETURN = "return"  # 退回
    SUSPEND = "suspend"  # 暂停
    REINSTATE = "reinstate"  # 恢复
    RENEW = "renew"  # 换证、变更


class By(StrEnum):
    """Who does it."""

    OWN = "own"  # the broker, or an editor of its institution
    REVIEW = "review"  # a reviewer of the institution's place


ACTS: dict[Action, By] = {
    Action.SUBMIT: By.OWN,
    Action.APPROVE: By.REVIEW,
    Action.RETURN: By.REVIEW,
    Action.SUSPEND: By.REVIEW,
    Action.REINSTATE: By.REVIEW,
    Action.RENEW: By.OWN,
}

# Of what is stored: an expired broker is a registered one, which renews.
TRANSITIONS: dict[BrokerState, dict[Action, BrokerState]] = {
    BrokerState.DRAFT: {Action.SUBMIT: BrokerState.SUBMITTED},
    BrokerState.RETURNED: {Action.SUBMIT: BrokerState.SUBMITTED},
    BrokerState.SUBMITTED: {
        Action.APPROVE: BrokerState.REGISTERED,
        Action.RETURN: BrokerState.RETURNED,
    },
    BrokerState.REGISTERED: {
        Action.RENEW: BrokerState.RENEWING,
        Action.SUSPEND: BrokerState.SUSPENDED,
    },
    BrokerState.RENEWING: {
        Action.APPROVE: BrokerState.REGISTERED,
        Action.RETURN: BrokerState.REGISTERED,
        Action.RENEW: BrokerState.RENEWING,
        Action.SUSPEND: BrokerState.SUSPENDED,
    },
    BrokerState.SUSPENDED: {Action.REINSTATE: BrokerState.REGISTERED},
    BrokerState.ENDED: {},
}

WHOLLY_CHANGED = (BrokerState.DRAFT, BrokerState.RETURNED)
"""In which all of a broker's record may be changed."""
PARTLY_CHANGED = (BrokerState.REGISTERED, BrokerState.RENEWING)
"""In which what was not reviewed may be changed."""


class MandateAction(StrEnum):
    """What may be done to a mandate."""

    ACCEPT = "accept"  # 接受
    DECLINE = "decline"  # 谢绝
    REVOKE = "revoke"  # 撤销
    RESIGN = "resign"  # 辞任


class MandateSide(StrEnum):
    """The two sides of a mandate."""

    ORGANIZATION = "organization"  # 委托方
    BROKER = "broker"  # 经纪人


MANDATE_ACTS: dict[MandateAction, MandateSide] = {
    MandateAction.ACCEPT: MandateSide.BROKER,
    MandateAction.DECLINE: MandateSide.BROKER,
    MandateAction.REVOKE: MandateSide.ORGANIZATION,
    MandateAction.RESIGN: MandateSide.BROKER,
}

# Of what is shown: one that has ended stays as it was.
MANDATE_TRANSITIONS: dict[MandateState, dict[MandateAction, MandateState]] = {
    MandateState.OFFERED: {
        MandateAction.ACCEPT: MandateState.ACCEPTED,
        MandateAction.DECLINE: MandateState.DECLINED,
        MandateAction.REVOKE: MandateState.REVOKED,
    },
    MandateState.ACCEPTED: {
        MandateAction.REVOKE: MandateState.REVOKED,
        MandateAction.RESIGN: MandateState.RESIGNED,
    },
    MandateState.DECLINED: {},
    MandateState.REVOKED: {},
    MandateState.RESIGNED: {},
    MandateState.ENDED: {},
}
