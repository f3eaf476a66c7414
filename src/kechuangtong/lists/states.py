"""How a record of a list moves from state to state."""

from enum import StrEnum

from kechuangtong.models.listing import ListingState


class Action(StrEnum):
    """What may be done to a record of a list."""

    PUBLISH = "publish"  # 发布
    WITHDRAW = "withdraw"  # 撤回
    DELETE = "delete"  # 删除草稿


# Deleted records have no state any more, hence None.
TRANSITIONS: dict[ListingState, dict[Action, ListingState | None]] = {
    ListingState.DRAFT: {Action.PUBLISH: ListingState.PUBLISHED, Action.DELETE: None},
    ListingState.PUBLISHED: {Action.WITHDRAW: ListingState.WITHDRAWN},
    ListingState.WITHDRAWN: {Action.PUBLISH: ListingState.PUBLISHED},
    ListingState.EXPIRED: {Action.WITHDRAW: ListingState.WITHDRAWN},
}
