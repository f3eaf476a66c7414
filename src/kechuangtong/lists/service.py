"""The life of a record of a list: each use case is one transaction with its events and marks."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id, violated
from kechuangtong.core.errors import Forbidden, NotFound, PreconditionFailed
from kechuangtong.core.http import check_version
from kechuangtong.core.paging import Page
from kechuangtong.core.schemas import PriceValue, TrlValue
from kechuangtong.core.text import identity
from kechuangtong.core.trade import ListKind, Price, Trl
from kechuangtong.events import log
from kechuangtong.lists import naming, queries, sight
from kechuangtong.lists.errors import AlreadyListed, DatePast, OrganizationUnknown, WrongState
from kechuangtong.lists.schemas import ListingFields, ListingQuery, ListingRead
from kechuangtong.lists.states import TRANSITIONS, Action
from kechuangtong.models import Achievement, Attachment, Demand, Organization
from kechuangtong.models.listing import ListingState
from kechuangtong.search.marks import mark

R = TypeVar("R", Achievement, Demand)
Read = TypeVar("Read", bound=ListingRead)


def identity_of(number: str | None, title: str) -> str:
    """What tells a record from the others of its organization: its number, else its title.

    A digest, because folding can lengthen a text beyond what an index takes.
    """
    text = f"number:{identity(number)}" if number else f"title:{identity(title)}"
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Change(Generic[R]):
    """A record as it is to be stored, what happened to it, and how it was before."""

    record: R
    what: str
    before: dict[str, Any] | None


class ListService(Generic[R, Read]):
    """The use cases of one list."""

    def __init__(self, kind: ListKind, model: type[R], schema: type[Read]) -> None:
        self.kind = kind
        self.to_write = Permission(f"{kind.value}s:write")
        self.model: type[R] = model
        self.schema = schema

    def show(self, record: R, actor: Actor) -> Read:
        """A record as the actor may see it; `sight` says who sees contacts and organizations."""
        shown = self.schema.model_validate(record)
        if not sight.knows_contact(actor, record):
            shown.contact = None
        if not sight.knows_owner(actor, record):
            shown.organization = shown.number = None
        return shown

    async def page(self, session: AsyncSession, actor: Actor, query: ListingQuery) -> Page[Read]:
        """One page of what the actor may see."""
        rows: Sequence[R] = await queries.page(session, self.model, actor, query)
        return Page[Read].of(
            rows,
            query.limit,
            lambda record: queries.position(record, query),
            lambda record: self.show(record, actor),
        )

    async def get(
        self, session: AsyncSession, actor: Actor, record_id: uuid.UUID, *, to_change: bool = False
    ) -> R:
        """A record that the actor may see. Raises NotFound."""
        record: R | None = await queries.get(
            session, self.model, actor, record_id, to_change=to_change
        )
        if record is None:
            raise NotFound
        return record

    async def create(
        self,
        session: AsyncSession,
        actor: Actor,
        *,
        organization_id: uuid.UUID,
        values: ListingFields,
    ) -> R:
        """A new draft. Raises OrganizationUnknown, Forbidden, AlreadyListed."""
        organization = await session.get(Organization, organization_id)
        if organization is None:
            raise OrganizationUnknown(loc=("body", "organization_id"))
        if not actor.may(self.to_write, organization_id):
            raise Forbidden(loc=("body", "organization_id"))
        change = self.draft(organization, values)
        await self.save(session, actor, [change])
        return change.record

    async def change(
        self,
        session: AsyncSession,
        actor: Actor,
        record_id: uuid.UUID,
        *,
        values: ListingFields,
        expected_versions: frozenset[int] | None,
    ) -> R:
        """Change the fields that were given. Raises NotFound, Forbidden, PreconditionFailed."""
        record = await self._own(session, actor, record_id, expected_versions)
        if (change := self.edit(record, values)) is not None:
            await self.save(session, actor, [change])
        return record

    async def publish(
        self,
        session: AsyncSession,
        actor: Actor,
        record_id: uuid.UUID,
        *,
        expected_versions: frozenset[int] | None,
    ) -> R:
        """Show a record to everyone. Raises also WrongState, DatePast."""
        record = await self._own(session, actor, record_id, expected_versions)
        before = self._snapshot(record)
        move(record, Action.PUBLISH)
        if record.state is ListingState.EXPIRED:
            raise DatePast(date=record.valid_until)
        await self.save(session, actor, [Change(record, "published", before)])
        return record

    async def withdraw(
        self,
        session: AsyncSession,
        actor: Actor,
        record_id: uuid.UUID,
        *,
        expected_versions: frozenset[int] | None,
    ) -> R:
        """Take a published record back from the public. Raises also WrongState."""
        record = await self._own(session, actor, record_id, expected_versions)
        before = self._snapshot(record)
        move(record, Action.WITHDRAW)
        await self.save(session, actor, [Change(record, "withdrawn", before)])
        return record

    async def delete(
        self,
        session: AsyncSession,
        actor: Actor,
        record_id: uuid.UUID,
        *,
        expected_versions: frozenset[int] | None,
    ) -> Sequence[uuid.UUID]:
        """Delete a draft with its attachments, whose ids it gives; what was public once is
        withdrawn instead. Raises also WrongState."""
        record = await self._own(session, actor, record_id, expected_versions)
        move(record, Action.DELETE)
        await session.delete(record)
        self._log(session, actor, Change(record, "deleted", self._snapshot(record)), after=None)
        attached = await session.scalars(
            delete(Attachment)
            .where(Attachment.subject_kind == self.kind, Attachment.subject_id == record.id)
            .returning(Attachment.id)
        )
        return attached.all()

    # The parts that an import shares: nothing of these three touches the database but `save`.

    def draft(
        self, organization: Organization, values: ListingFields, record_id: uuid.UUID | None = None
    ) -> Change[R]:
        """A new record of an organization, not stored yet."""
        record = self.model(
            id=record_id or new_id(),
            organization=organization,
            organization_id=organization.id,
            stored_state=ListingState.DRAFT,
            version=1,
            created_at=(at := now()),
            updated_at=at,
        )
        _assign(record, values, set(type(values).model_fields))
        return Change(record, "created", None)

    def edit(self, record: R, values: ListingFields, *, publish: bool = False) -> Change[R] | None:
        """Set the fields that were given, not stored yet; None where that changes nothing."""
        before = self._snapshot(record)
        _assign(record, values, values.model_fields_set)
        if publish and Action.PUBLISH in TRANSITIONS[record.state]:
            move(record, Action.PUBLISH)
        return None if self._snapshot(record) == before else Change(record, "changed", before)

    async def save(self, session: AsyncSession, actor: Actor, changes: list[Change[R]]) -> None:
        """Store changes with their events and their marks for the index. Raises AlreadyListed,
        PreconditionFailed, NamesOrganization."""
        session.add_all(change.record for change in changes)
        try:
            await session.flush()  # the identity's uniqueness is the database's to say
        except StaleDataError as error:  # another writer was between our reading and this
            raise PreconditionFailed from error
        except IntegrityError as error:
            if violated(error).endswith("_organization_id_identity"):
                raise AlreadyListed from error
            raise
        demands = [one.record for one in changes if isinstance(one.record, Demand)]
        await naming.check(session, [one for one in demands if one.anonymous])
        for change in changes:
            self._log(session, actor, change, after=self._snapshot(change.record))
        await mark(session, self.kind, [change.record.id for change in changes])

    async def _own(
        self,
        session: AsyncSession,
        actor: Actor,
        record_id: uuid.UUID,
        expected_versions: frozenset[int] | None,
    ) -> R:
        record = await self.get(session, actor, record_id, to_change=True)
        if not actor.may(self.to_write, record.organization_id):
            raise Forbidden
        check_version(record, expected_versions)
        return record

    def _snapshot(self, record: R) -> dict[str, Any]:
        return self.schema.model_validate(record).model_dump(mode="json")

    def _log(
        self,
        session: AsyncSession,
        actor: Actor,
        change: Change[R],
        *,
        after: dict[str, Any] | None,
    ) -> None:
        log.record(
            session,
            actor,
            f"{self.kind.value}.{change.what}",
            subject_kind=self.kind.value,
            subject_id=change.record.id,
            before=change.before,
            after=after,
        )


def move(record: Achievement | Demand, action: Action) -> None:
    """Move a record by the table of states. Raises WrongState."""
    transitions = TRANSITIONS[record.state]
    if action not in transitions:
        raise WrongState(state=record.state.value, action=action.value)
    if (state := transitions[action]) is not None:
        record.stored_state = state
    if state is ListingState.PUBLISHED:
        record.published_at = now()


def _assign(record: Achievement | Demand, values: ListingFields, names: set[str]) -> None:
    for name in names - {"organization_id"}:
        setattr(record, name, _column_value(getattr(values, name)))
    record.identity = identity_of(record.number, record.title)


def _column_value(value: Any) -> Any:  # noqa: ANN401
    match value:
        case PriceValue():
            return Price(value.kind, value.low, value.high)
        case TrlValue():
            return Trl(value.scale, value.level, value.evidence)
        case BaseModel():
            return value.model_dump(mode="json")
        case list():
            return [_column_value(item) for item in value]
        case _:
            return value
