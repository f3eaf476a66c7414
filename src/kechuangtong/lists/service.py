"""The life of a record of a list: each use case is one transaction with its events and marks."""

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.exc import StaleDataError

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.changes.notes import touch
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id, violated
from kechuangtong.core.errors import AppError, Forbidden, NotFound, PreconditionFailed
from kechuangtong.core.http import check_version
from kechuangtong.core.paging import Page
from kechuangtong.core.schemas import PriceValue, TrlValue
from kechuangtong.core.text import identity
from kechuangtong.core.trade import ListKind, Price, Trl
from kechuangtong.editions import masking
from kechuangtong.events import log
from kechuangtong.inbox import service as inbox
from kechuangtong.lists import naming, queries, sight
from kechuangtong.lists.errors import (
    AlreadyListed,
    DateNotLater,
    DatePast,
    NamesOrganization,
    OrganizationMerged,
    OrganizationUnknown,
    ReviewNotRequired,
    ReviewRequired,
    WasPublic,
    WrongState,
)
from kechuangtong.lists.schemas import ListingFields, ListingQuery, ListingRead, Renewal
from kechuangtong.lists.states import PUBLISHING, TRANSITIONS, Action
from kechuangtong.models import Achievement, Attachment, Demand, Organization
from kechuangtong.models.listing import ListingState
from kechuangtong.models.notice import NoticeKind
from kechuangtong.models.review import ReviewSubject
from kechuangtong.reviews import desk
from kechuangtong.search.marks import mark

R = TypeVar("R", Achievement, Demand)
Read = TypeVar("Read", bound=ListingRead)
Changed = TypeVar("Changed")


def identity_of(number: str | None, title: str) -> str:
    """What tells a record from the others of its organization: its number, else its title.

    A digest, because folding can lengthen a text beyond what an index takes.
    """
    text = f"number:{identity(number)}" if number else f"title:{identity(title)}"
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Change(Generic[Changed]):
    """A record as it is to be stored, what happened to it, and how it was before."""

    record: Changed
    what: str
    before: dict[str, Any] | None


class ListService(Generic[R, Read]):
    """The use cases of one list.

    `reviewed` says whether records are reviewed before publication where their organization has
    no rule of its own.
    """

    def __init__(self, kind: ListKind, model: type[R], schema: type[Read]) -> None:
        self.kind = kind
        self.to_write = Permission(f"{kind.value}s:write")
        self.model: type[R] = model
        self.schema = schema

    def show(self, record: R, actor: Actor) -> Read:
        """A record as the actor may see it; `sight` says who sees contacts and organizations."""
        return sight.show(self.schema, record, actor)

    async def page(
        self, session: AsyncSession, actor: Actor, query: ListingQuery, *, words: str = ""
    ) -> Page[Read]:
        """One page of what the actor may see, of records that have all the words."""
        extra = queries.having(self.model, words)
        rows: Sequence[R] = await queries.page(session, self.model, actor, query, *extra)
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

    async def titles(
        self, session: AsyncSession, actor: Actor, ids: Sequence[uuid.UUID]
    ) -> dict[uuid.UUID, str]:
        """What those of some records are called that the actor may see."""
        return await queries.titles(session, self.model, actor, ids)

    async def create(
        self,
        session: AsyncSession,
        actor: Actor,
        *,
        organization_id: uuid.UUID,
        values: ListingFields,
    ) -> R:
        """A new draft. Raises OrganizationUnknown, Forbidden, AlreadyListed,
        OrganizationMerged."""
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
        reviewed: bool,
    ) -> R:
        """Change the fields that were given; what is public goes to review again where that is
        required. Raises NotFound, Forbidden, PreconditionFailed."""
        record = await self._own(session, actor, record_id, expected_versions)
        reviewed = record.organization.reviewed(reviewed)
        if (change := self.edit(record, values, reviewed=reviewed)) is not None:
            await self.save(session, actor, [change])
        return record

    async def publish(
        self,
        session: AsyncSession,
        actor: Actor,
        record_id: uuid.UUID,
        *,
        expected_versions: frozenset[int] | None,
        reviewed: bool,
    ) -> R:
        """Show a record to everyone; administrators do so without a review. Raises also
        ReviewRequired, WrongState, DatePast."""
        record = await self._own(session, actor, record_id, expected_versions)
        change = self._moved(actor, record, Action.PUBLISH, reviewed=reviewed)
        await self.save(session, actor, [change])
        return record

    async def submit(
        self,
        session: AsyncSession,
        actor: Actor,
        record_id: uuid.UUID,
        *,
        expected_versions: frozenset[int] | None,
        reviewed: bool,
    ) -> R:
        """Hand a record in for review. Raises also ReviewNotRequired, WrongState, DatePast."""
        record = await self._own(session, actor, record_id, expected_versions)
        change = self._moved(actor, record, Action.SUBMIT, reviewed=reviewed)
        await self.save(session, actor, [change])
        return record

    async def review_again(
        self, session: AsyncSession, actor: Actor, record: R, *, reviewed: bool
    ) -> None:
        """Let what is public or in review be reviewed anew, where that is required, for what was
        added beside it."""
        if record.organization.reviewed(reviewed) and Action.RESUBMIT in TRANSITIONS[record.state]:
            before = self._snapshot(record)
            move(record, Action.RESUBMIT)
            record.updated_at = now()  # also where it is in review already
            await self.save(session, actor, [Change(record, "changed", before)])

    async def decide(
        self, session: AsyncSession, actor: Actor, record: R, *, approved: bool
    ) -> None:
        """Publish or return what was submitted, as its review has decided. Raises WrongState,
        DatePast."""
        if approved:
            await self.save(session, actor, [self._put(record, Action.APPROVE)])
            return
        before = self._snapshot(record)
        move(record, Action.RETURN)
        await self.save(session, actor, [Change(record, "returned", before)])

    async def renew(
        self,
        session: AsyncSession,
        actor: Actor,
        record_id: uuid.UUID,
        *,
        values: Renewal,
        expected_versions: frozenset[int] | None,
    ) -> R:
        """Let a published record be valid for longer, also one that has expired. Raises also
        WrongState, DateNotLater."""
        record = await self._own(session, actor, record_id, expected_versions)
        before = self._snapshot(record)
        move(record, Action.RENEW)
        last = record.valid_until
        if last is None or values.valid_until <= max(last, today()):
            raise DateNotLater(date=last)
        record.valid_until = values.valid_until
        await self.save(session, actor, [Change(record, "renewed", before)])
        return record

    async def withdraw(
        self,
        session: AsyncSession,
        actor: Actor,
        record_id: uuid.UUID,
        *,
        expected_versions: frozenset[int] | None,
    ) -> R:
        """Take a record back from the public, or from review. Raises also WrongState."""
        record = await self._own(session, actor, record_id, expected_versions)
        await self.save(session, actor, [self._put(record, Action.WITHDRAW)])
        return record

    async def bulk(
        self,
        session: AsyncSession,
        actor: Actor,
        *,
        action: Action,
        ids: Sequence[uuid.UUID],
        reviewed: bool,
    ) -> dict[uuid.UUID, R | AppError]:
        """Publish, submit or withdraw records, all that can be: each with what prevents it, if
        anything does, as it does of one alone."""
        found: Sequence[R] = await queries.get_many(session, self.model, actor, ids)
        records = {one.id: one for one in found}
        told: Mapping[uuid.UUID, str] = {}
        if action is not Action.WITHDRAW:
            demands = [one for one in found if isinstance(one, Demand) and one.anonymous]
            told = await naming.told(session, demands)
        outcomes: dict[uuid.UUID, R | AppError] = {}
        changes = []
        for record_id in dict.fromkeys(ids):
            try:
                if (record := records.get(record_id)) is None:
                    raise NotFound
                if not actor.may(self.to_write, record.organization_id):
                    raise Forbidden
                if record_id in told:
                    raise NamesOrganization(field=told[record_id])
                changes.append(self._moved(actor, record, action, reviewed=reviewed))
                outcomes[record_id] = record
            except AppError as error:
                outcomes[record_id] = error
        await self.save(session, actor, changes)
        return outcomes

    async def delete(
        self,
        session: AsyncSession,
        actor: Actor,
        record_id: uuid.UUID,
        *,
        expected_versions: frozenset[int] | None,
    ) -> Sequence[uuid.UUID]:
        """Delete a draft with its attachments, whose ids it gives; what was public once is
        withdrawn instead. Raises also WrongState, WasPublic."""
        record = await self._own(session, actor, record_id, expected_versions)
        move(record, Action.DELETE)
        if record.published_at is not None:
            raise WasPublic
        return await self.remove(session, actor, record)

    async def remove(self, session: AsyncSession, actor: Actor, record: R) -> Sequence[uuid.UUID]:
        """Delete what was never public, with its open review and its attachments, whose ids it
        gives."""
        await desk.take_back(session, actor, ReviewSubject(self.kind.value), record.id)
        await inbox.settle(session, NoticeKind.REVIEW_RETURNED, [record.id])
        await session.delete(record)
        self._log(session, actor, Change(record, "deleted", self._snapshot(record)), after=None)
        attached = await session.scalars(
            delete(Attachment)
            .where(Attachment.subject_kind == self.kind, Attachment.subject_id == record.id)
            .returning(Attachment.id)
        )
        return attached.all()

    # The parts that an import shares: of these only `existing` and `save` touch the database.

    def identity(self, values: Any) -> str:  # noqa: ANN401
        """What tells a record with these values from the others of its organization."""
        return identity_of(values.number, values.title)

    async def existing(
        self,
        session: AsyncSession,
        owners: Collection[uuid.UUID],
        values: Sequence[ListingFields],
    ) -> dict[tuple[uuid.UUID, str], R]:
        """The records of these organizations that such values mean, by organization and identity,
        with their organizations."""
        identities = {self.identity(one) for one in values}
        found = await session.scalars(
            select(self.model)
            .where(self.model.organization_id.in_(owners), self.model.identity.in_(identities))
            .options(joinedload(self.model.organization))
        )
        return {(one.organization_id, one.identity): one for one in found}

    def put_forward(self, record: R, *, reviewed: bool) -> None:
        """Publish or submit a new record, not stored yet."""
        move(record, Action.SUBMIT if reviewed else Action.PUBLISH)

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

    def edit(
        self, record: R, values: ListingFields, *, reviewed: bool, publish: bool = False
    ) -> Change[R] | None:
        """Set the fields that were given, not stored yet; None where that changes nothing.

        Where it is `reviewed`, what is public goes to review again with any edit. With `publish`
        the rest is published or submitted, but for what was returned and has not been edited.
        """
        before = self._snapshot(record)
        _assign(record, values, values.model_fields_set)
        edited = self._snapshot(record) != before
        wanted = []
        if reviewed and edited:
            wanted.append(Action.RESUBMIT)
        if publish and not reviewed:
            wanted.append(Action.PUBLISH)
        if publish and reviewed and (edited or record.state is not ListingState.RETURNED):
            wanted.append(Action.SUBMIT)
        for action in wanted:
            if action in TRANSITIONS[record.state]:
                move(record, action)
        return None if self._snapshot(record) == before else Change(record, "changed", before)

    def retract(self, record: R) -> Change[R]:
        """A record taken back from the public, not stored yet. Raises WrongState."""
        return self._put(record, Action.WITHDRAW)

    def restore(
        self,
        record: R,
        values: ListingFields,
        *,
        state: ListingState,
        published_at: datetime | None,
    ) -> Change[R]:
        """A record as it was before a change that is undone, not stored yet."""
        before = self._snapshot(record)
        _assign(record, values, values.model_fields_set)
        record.stored_state = state
        record.published_at = published_at
        return Change(record, "restored", before)

    async def save(self, session: AsyncSession, actor: Actor, changes: list[Change[R]]) -> None:
        """Store changes with their events, their reviews and their marks for the index. Raises
        AlreadyListed, PreconditionFailed, OrganizationMerged, NamesOrganization."""
        session.add_all(change.record for change in changes)
        try:
            await session.flush()  # the identity's uniqueness is the database's to say
        except StaleDataError as error:  # another writer was between our reading and this
            raise PreconditionFailed from error
        except IntegrityError as error:
            if violated(error).endswith("_organization_id_identity"):
                raise AlreadyListed from error
            raise
        # A merging holds the organization until it has moved what is there: look again after.
        owners = {change.record.organization_id for change in changes if change.before is None}
        merged = Organization.id.in_(owners) & Organization.merged_into_id.is_not(None)
        if owners and await session.scalar(select(Organization.id).where(merged).limit(1)):
            raise OrganizationMerged
        demands = [
            (one.record, one.before)
            for one in changes
            if isinstance(one.record, Demand) and one.record.anonymous
        ]
        await naming.check(session, [record for record, _ in demands])
        if turned := [one for one, before in demands if before and not before["anonymous"]]:
            await masking.mask_demands(session, turned)
        for change in changes:
            self._log(session, actor, change, after=self._snapshot(change.record))
        await self._keep_reviews(session, actor, changes)
        ids = [change.record.id for change in changes]
        await mark(session, self.kind, ids)
        touch(session, self.kind, ids)

    async def _keep_reviews(
        self, session: AsyncSession, actor: Actor, changes: list[Change[R]]
    ) -> None:
        kind = ReviewSubject(self.kind.value)
        submissions = [
            desk.Submission(
                record.id, record.title, record.organization.place, record.organization_id
            )
            for record in (change.record for change in changes)
            if record.state is ListingState.SUBMITTED
        ]
        if submissions:
            await desk.submit(session, actor, kind, submissions)
        done = []
        for change in changes:
            match _state_before(change), change.record.state:
                case ListingState.SUBMITTED, state if state is ListingState.DRAFT or (
                    change.what == "restored" and state is not ListingState.SUBMITTED
                ):
                    await desk.take_back(session, actor, kind, change.record.id)
                case ListingState.RETURNED, state if state is not ListingState.RETURNED:
                    done.append(change.record.id)
        if done:
            await inbox.settle(session, NoticeKind.REVIEW_RETURNED, done)

    # Both raise before anything of the record is changed.

    def _moved(self, actor: Actor, record: R, action: Action, *, reviewed: bool) -> Change[R]:
        reviewed = record.organization.reviewed(reviewed)
        if action is Action.PUBLISH and reviewed and not actor.above_review:
            raise ReviewRequired
        if action is Action.SUBMIT and not reviewed:
            raise ReviewNotRequired
        return self._put(record, action)

    def _put(self, record: R, action: Action) -> Change[R]:
        forward = action is not Action.WITHDRAW and action in TRANSITIONS[record.state]
        if forward and record.past:
            raise DatePast(date=record.valid_until)
        before = self._snapshot(record)
        move(record, action)
        return Change(record, _DONE[action], before)

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
            before=_for_the_log(change.before),
            after=_for_the_log(after),
        )


def _for_the_log(snapshot: dict[str, Any] | None) -> dict[str, Any] | None:
    """The log never forgets, so of a contact (联系方式) it keeps only what of it was given."""
    if snapshot is None or snapshot["contact"] is None:
        return snapshot
    return {**snapshot, "contact": [name for name, value in snapshot["contact"].items() if value]}


_DONE = {
    Action.PUBLISH: "published",
    Action.APPROVE: "published",
    Action.SUBMIT: "submitted",
    Action.WITHDRAW: "withdrawn",
}


def move(record: Achievement | Demand, action: Action) -> None:
    """Move a record by the table of states. Raises WrongState."""
    transitions = TRANSITIONS[record.state]
    if action not in transitions:
        raise WrongState(state=record.state.value, action=action.value)
    if (state := transitions[action]) is not None:
        record.stored_state = state
    if action in PUBLISHING:
        record.published_at = now()


def _state_before(change: Change[Any]) -> ListingState | None:
    return None if change.before is None else ListingState(change.before["state"])


def _assign(record: Achievement | Demand, values: ListingFields, names: set[str]) -> None:
    for name in names - {"organization_id"}:
        setattr(record, name, column_value(getattr(values, name)))
    record.identity = identity_of(record.number, record.title)


def column_value(value: Any) -> Any:  # noqa: ANN401
    """A value as the record holds it."""
    match value:
        case PriceValue():
            return Price(value.kind, value.low, value.high)
        case TrlValue():
            return Trl(value.scale, value.level, value.evidence)
        case BaseModel():
            return value.model_dump(mode="json")
        case list():
            return [column_value(item) for item in value]
        case _:
            return value
