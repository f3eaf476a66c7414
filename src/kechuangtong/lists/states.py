"""How a record of a list moves from state to state: the one table."""

from enum import StrEnum
from typing import Final

from kechuangtong.models.listing import ListingState


class Action(StrEnum):
    """What may be done to a record of a list."""

    PUBLISH = "publish"  # 发布, where no review is required
    SUBMIT = "submit"  # 提交审核, where one is
    APPROVE = "approve"  # 审核通过
    RETURN = "return"  # 审核退回
    RESUBMIT = "resubmit"  # 修改后重新审核: an edit of what is public, where a review is required
    RENEW = "renew"  # 延长有效期
    WITHDRAW = "withdraw"  # 撤回
    DELETE = "delete"  # 删除草稿


_S, _A = ListingState, Action

# Deleted records have no state any more, hence None.
TRANSITIONS: Final[dict[ListingState, dict[Action, ListingState | None]]] = {
    _S.DRAFT: {_A.PUBLISH: _S.PUBLISHED, _A.SUBMIT: _S.SUBMITTED, _A.DELETE: None},
    _S.SUBMITTED: {
        _A.APPROVE: _S.PUBLISHED,
        _A.RETURN: _S.RETURNED,
        _A.RESUBMIT: _S.SUBMITTED,
        _A.WITHDRAW: _S.DRAFT,
    },
    _S.RETURNED: {_A.PUBLISH: _S.PUBLISHED, _A.SUBMIT: _S.SUBMITTED, _A.DELETE: None},
    _S.PUBLISHED: {
        _A.RESUBMIT: _S.SUBMITTED,
        _A.RENEW: _S.PUBLISHED,
        _A.WITHDRAW: _S.WITHDRAWN,
    },
    _S.WITHDRAWN: {_A.PUBLISH: _S.PUBLISHED, _A.SUBMIT: _S.SUBMITTED},
    _S.EXPIRED: {
        _A.RESUBMIT: _S.SUBMITTED,
        _A.RENEW: _S.PUBLISHED,
        _A.WITHDRAW: _S.WITHDRAWN,
    },
}
# What makes a record public: it counts as published from then on.
PUBLISHING: Final = frozenset({Action.PUBLISH, Action.APPROVE})
