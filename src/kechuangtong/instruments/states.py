"""How the record of an instrument moves from state to state."""

from enum import StrEnum
from typing import Final

from kechuangtong.models.instrument import InstrumentState


class Action(StrEnum):
    """What may be done to the record of an instrument."""

    PUBLISH = "publish"  # 发布
    WITHDRAW = "withdraw"  # 撤回
    DELETE = "delete"  # 删除草稿


_S, _A = InstrumentState, Action

# Deleted records have no state any more, hence None.
TRANSITIONS: Final[dict[InstrumentState, dict[Action, InstrumentState | None]]] = {
    _S.DRAFT: {_A.PUBLISH: _S.PUBLISHED, _A.DELETE: None},
    _S.PUBLISHED: {_A.WITHDRAW: _S.WITHDRAWN},
    _S.WITHDRAWN: {_A.PUBLISH: _S.PUBLISHED},
}
