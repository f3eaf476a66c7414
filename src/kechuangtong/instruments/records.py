"""Instruments that an import brings: drafts and edits that are stored, chunk by chunk, at once."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import now
from kechuangtong.core.db import hold, new_id, violated
from kechuangtong.core.errors import PreconditionFailed
from kechuangtong.core.trade import IndexKind
from kechuangtong.instruments import queries
from kechuangtong.instruments.errors import InstrumentListed, WrongInstrumentState
from kechuangtong.instruments.schemas import InstrumentFields, InstrumentPatch, InstrumentRead
from kechuangtong.instruments.service import (
    assign,
    check_change,
    for_the_log,
    log_change,
    record_change,
)
from kechuangtong.instruments.states import TRANSITIONS, Action
from kechuangtong.lists.errors import OrganizationMerged
from kechuangtong.lists.service import Change, identity_of
from kechuangtong.models import Instrument, Organization
from kechuangtong.models.instrument import InstrumentState
from kechuangtong.search.marks import mark


class InstrumentRecords:
    """The instruments as an import fills them. None of them is reviewed."""

    to_write = Permission.INSTRUMENTS_WRITE
    model = Instrument

    def identity(self, values: InstrumentPatch | Instrument) -> str:
        """The number, else name and model: a laboratory has several of one name."""
        return identity_of(values.number, f"{values.name}\n{values.model or ''}")

    async def existing(
        self,
        session: AsyncSession,
        owners: Collection[uuid.UUID],
        values: Sequence[InstrumentPatch],
    ) -> dict[tuple[uuid.UUID, str], Instrument]:
        """The instruments of these organizations that such values mean, by organization and
        identity. Another import waits: nothing in the database tells two without a number apart."""
        for owner in sorted(owners):
            await hold(session, f"instruments of {owner}")
        numbers = {one.number for one in values if one.number}
        names = {one.name for one in values if not one.number}
        found = await session.scalars(
            queries.shown(
                Instrument.organization_id.in_(owners),
                or_(
                    Instrument.number.in_(numbers),
                    Instrument.number.is_(None) & Instrument.name.in_(names),
                ),
            ).order_by(Instrument.id.desc())  # of two alike the first stands
        )
        return {(one.organization_id, self.identity(one)): one for one in found}

    async def titles(
        self, session: AsyncSession, actor: Actor, ids: Sequence[uuid.UUID]
    ) -> dict[uuid.UUID, str]:
        """What those of some instruments are called that the actor may see."""
        found = await session.execute(
            select(Instrument.id, Instrument.name).where(
                Instrument.id.in_(ids), queries.visible_to(actor)
            )
        )
        return dict(iter(found))

    def draft(self, organization: Organization, values: InstrumentPatch) -> Change[Instrument]:
        """A new instrument of an organization, not stored yet."""
        instrument = Instrument(
            id=new_id(),
            organization=organization,
            organization_id=organization.id,
            state=InstrumentState.DRAFT,
            version=1,
            created_at=(at := now()),
            updated_at=at,
        )
        assign(instrument, values, set(InstrumentPatch.model_fields))
        return Change(instrument, "created", None)

    def put_forward(self, record: Instrument, *, reviewed: bool) -> None:
        """Publish a new instrument, not stored yet."""
        _move(record, Action.PUBLISH)

    def edit(
        self,
        record: Instrument,
        values: InstrumentPatch,
        *,
        reviewed: bool,
        publish: bool = False,
    ) -> Change[Instrument] | None:
        """Set the fields that were given, not stored yet; None where that changes nothing. Raises
        FieldsDisagree before anything is changed."""
        given = {name: getattr(values, name) for name in values.model_fields_set}
        check_change(InstrumentFields.model_validate(record).model_copy(update=given))
        before = _snapshot(record)
        assign(record, values, values.model_fields_set)
        if publish and Action.PUBLISH in TRANSITIONS[record.state]:
            _move(record, Action.PUBLISH)
        return None if _snapshot(record) == before else Change(record, "changed", before)

    def retract(self, record: Instrument) -> Change[Instrument]:
        """An instrument taken back from the public, not stored yet. Raises
        WrongInstrumentState."""
        before = _snapshot(record)
        _move(record, Action.WITHDRAW)
        return Change(record, "withdrawn", before)

    def restore(self, record: Instrument, values: dict[str, Any]) -> Change[Instrument]:
        """An instrument as it was, as `Change.before` has it, not stored yet."""
        before = _snapshot(record)
        fields = {name: values[name] for name in InstrumentPatch.model_fields}
        assign(record, InstrumentPatch.model_validate(fields), set(fields))
        record.state = InstrumentState(values["state"])
        published = values["published_at"]
        record.published_at = datetime.fromisoformat(published) if published else None
        return Change(record, "restored", before)

    async def remove(self, session: AsyncSession, actor: Actor, record: Instrument) -> None:
        """Delete an instrument that was never public."""
        before = for_the_log(_snapshot(record))
        await session.delete(record)
        await record_change(session, actor, record, "deleted", before=before, after=None)

    async def save(
        self, session: AsyncSession, actor: Actor, changes: list[Change[Instrument]]
    ) -> None:
        """Store changes with their events and marks. Raises InstrumentListed, PreconditionFailed,
        OrganizationMerged."""
        session.add_all(change.record for change in changes)
        try:
            await session.flush()  # the number's uniqueness is the database's to say
        except StaleDataError as error:  # another writer was between our reading and this
            raise PreconditionFailed from error
        except IntegrityError as error:
            if violated(error) == "uq_instruments_organization_id_number":
                raise InstrumentListed from error
            raise
        # A merging holds the organization until it has moved what is there: look again after.
        owners = {change.record.organization_id for change in changes if change.before is None}
        merged = Organization.id.in_(owners) & Organization.merged_into_id.is_not(None)
        if owners and await session.scalar(select(Organization.id).where(merged).limit(1)):
            raise OrganizationMerged
        for change in changes:
            log_change(
                session,
                actor,
                change.record,
                change.what,
                before=change.before and for_the_log(change.before),
                after=for_the_log(_snapshot(change.record)),
            )
        ids = [change.record.id for change in changes]
        await mark(session, IndexKind.INSTRUMENT, ids)


instruments = InstrumentRecords()


def _move(instrument: Instrument, action: Action) -> None:
    transitions = TRANSITIONS[instrument.state]
    if action not in transitions:
        raise WrongInstrumentState(state=instrument.state.value, action=action.value)
    instrument.state = transitions[action] or instrument.state
    if action is Action.PUBLISH:
        instrument.published_at = now()


def _snapshot(instrument: Instrument) -> dict[str, Any]:
    return InstrumentRead.model_validate(instrument).model_dump(mode="json")
