"""What an import fills: the lists and the instruments, by what they have in common."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.schemas import AchievementPatch
from kechuangtong.achievements.service import achievements
from kechuangtong.core.trade import ImportKind
from kechuangtong.demands.schemas import DemandPatch
from kechuangtong.demands.service import demands
from kechuangtong.instruments.records import instruments
from kechuangtong.instruments.schemas import InstrumentPatch
from kechuangtong.lists.schemas import ListingFields
from kechuangtong.lists.service import Change
from kechuangtong.models import Achievement, Demand, Instrument, Organization

Record = Achievement | Demand | Instrument
Fields = ListingFields | InstrumentPatch


class Records(Protocol):
    """The use cases that an import needs; of these only those that wait touch the database."""

    to_write: Permission

    @property
    def model(self) -> type[Any]:
        """The table."""

    def identity(self, values: Any, /) -> str:  # noqa: ANN401
        """What tells a record with these values from the others of its organization."""

    async def existing(
        self, session: AsyncSession, owners: Collection[uuid.UUID], values: Sequence[Any]
    ) -> dict[tuple[uuid.UUID, str], Any]:
        """The records that such values mean, by organization and identity."""

    async def titles(
        self, session: AsyncSession, actor: Actor, ids: Sequence[uuid.UUID]
    ) -> dict[uuid.UUID, str]:
        """What those of some records are called that the actor may see."""

    def draft(self, organization: Organization, values: Any, /) -> Change[Any]:  # noqa: ANN401
        """A new record."""

    def put_forward(self, record: Any, *, reviewed: bool) -> None:  # noqa: ANN401
        """Publish or submit a new record."""

    def edit(
        self,
        record: Any,  # noqa: ANN401
        values: Any,  # noqa: ANN401
        *,
        reviewed: bool,
        publish: bool = False,
    ) -> Change[Any] | None:
        """Set the fields that were given; None where that changes nothing."""

    def retract(self, record: Any) -> Change[Any]:  # noqa: ANN401
        """A record taken back from the public."""

    async def remove(self, session: AsyncSession, actor: Actor, record: Any) -> Any:  # noqa: ANN401
        """Delete what was never public."""

    async def save(self, session: AsyncSession, actor: Actor, changes: list[Change[Any]]) -> None:
        """Store changes with their events."""


RECORDS: Final[dict[ImportKind, Records]] = {
    ImportKind.ACHIEVEMENT: achievements,
    ImportKind.DEMAND: demands,
    ImportKind.INSTRUMENT: instruments,
}
SCHEMAS: Final[dict[ImportKind, type[AchievementPatch | DemandPatch | InstrumentPatch]]] = {
    ImportKind.ACHIEVEMENT: AchievementPatch,
    ImportKind.DEMAND: DemandPatch,
    ImportKind.INSTRUMENT: InstrumentPatch,
}
