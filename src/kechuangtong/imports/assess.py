"""What is to become of a row: created, changed, unchanged, a duplicate or refused.

Nothing here writes: a dry run assesses and stops, a real one stores what was assessed.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.db import new_id
from kechuangtong.core.errors import validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.schemas import Contact
from kechuangtong.core.trade import ImportKind, OrganizationKind
from kechuangtong.demands.schemas import DemandFields
from kechuangtong.imports.cells import parse_organization_kind
from kechuangtong.imports.fields import COLUMNS, cells_of, headers
from kechuangtong.imports.records import RECORDS, SCHEMAS, Fields, Record, Records
from kechuangtong.imports.rows import ParsedRow, Problem, parse_cells
from kechuangtong.instruments.errors import FieldsDisagree
from kechuangtong.lists import naming
from kechuangtong.lists.service import Change, column_value
from kechuangtong.models import Demand, Organization
from kechuangtong.models.importing import Outcome
from kechuangtong.organizations.service import (
    OrganizationAmbiguous,
    find_organization,
    name_key,
)

_PROBLEMS = {
    "organization_missing": Text("没有填写单位，也未指定单位", "no organization is named"),
    "organization_ambiguous": OrganizationAmbiguous.text,
    "organization_not_yours": Text(
        "您不能为单位“{name}”导入", 'you may not import for the organization "{name}"'
    ),
    "names_organization": Text(
        "匿名需求中写有本单位的名称、简称或统一社会信用代码",
        "an anonymous demand must not hold the organization's name, short name or code",
    ),
}


@dataclass(slots=True)
class Assessed:
    """A row, what is to become of it, and the change of the list that this needs."""

    row: int
    outcome: Outcome
    owner: str | None = None
    identity: str | None = None
    of_row: int | None = None
    problems: Sequence[Problem] = ()
    change: Change[Any] | None = None


@dataclass(slots=True)
class Assessor:
    """Assesses the rows of one file in their order.

    `reviewed` says whether records are reviewed before publication, where an organization has no
    rule of its own. `seen` holds the identities accepted so far, as (owner, identity) to row.
    """

    kind: ImportKind
    actor: Actor
    default: Organization | None
    columns: dict[str, str | None]
    reviewed: bool
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    new_organizations: list[Organization] = field(default_factory=list)
    _organizations: dict[str, Organization] = field(default_factory=dict)
    _files: Mapping[uuid.UUID, list[str]] = field(default_factory=dict)

    @property
    def service(self) -> Records:
        """What is filled."""
        return RECORDS[self.kind]

    async def assess(self, session: AsyncSession, rows: Sequence[ParsedRow]) -> list[Assessed]:
        """Assess rows, in order; the records that they meet are loaded at once."""
        if self.default is not None:
            session.add(self.default)  # else it would be another than that of those records
            await session.refresh(self.default)  # the chunk before may be long ago
        ready = [await self._read(session, row) for row in rows]
        read = [one for one in ready if isinstance(one, tuple)]
        existing = await self.service.existing(
            session, {owner.id for _, owner, _ in read}, [values for *_, values in read]
        )
        if self.kind is ImportKind.DEMAND:
            ids = [record.id for record in existing.values()]
            self._files = await naming.attachment_names(session, ids)
        return [
            one if isinstance(one, Assessed) else self._compare(*one, existing) for one in ready
        ]

    async def _read(
        self, session: AsyncSession, row: ParsedRow
    ) -> "Assessed | tuple[ParsedRow, Organization, Fields]":
        if row.problems:
            return Assessed(row.number, Outcome.REFUSED, problems=row.problems)
        owner = await self._owner(session, row)
        if isinstance(owner, Problem):
            return Assessed(row.number, Outcome.REFUSED, problems=[owner])
        try:
            values = SCHEMAS[self.kind].model_validate(_fields(row.values))
        except ValidationError as error:
            problems = [self._problem(row, one) for one in error.errors()]
            return Assessed(row.number, Outcome.REFUSED, problems=problems)
        return row, owner, values

    async def _owner(self, session: AsyncSession, row: ParsedRow) -> Organization | Problem:
        code, name = row.values.get("organization_code"), row.values.get("organization")
        # A university's list names its own departments, a city's the enterprises in need.
        if self.default is not None and (self.kind is not ImportKind.DEMAND or not (code or name)):
            if not self.actor.may(Permission.IMPORTS_WRITE, self.default.id):  # any more
                return self._organization_problem("organization_not_yours", self.default.name)
            return self.default
        text = str(code or name or "")
        if not text:
            return self._organization_problem("organization_missing", "")
        try:
            organization = await self._organization(session, code, name)
        except OrganizationAmbiguous:
            return self._organization_problem("organization_ambiguous", text)
        if organization is None and self.actor.holds(Permission.ORGANIZATIONS_CREATE):
            organization = _new_organization(name=str(name or code), code=code)
            self.new_organizations.append(organization)
        if organization is None or not self.actor.may(Permission.IMPORTS_WRITE, organization.id):
            return self._organization_problem("organization_not_yours", text)
        if code:
            self._organizations[code] = organization
        if name:
            self._organizations.setdefault(name_key(name), organization)
        return organization

    async def _organization(
        self, session: AsyncSession, code: str | None, name: str | None
    ) -> Organization | None:
        """The organization of a code, else of a name unless that one has another code.

        Those of this file are known before they are stored. Raises OrganizationAmbiguous.
        """
        known = self._organizations
        if code and (found := known.get(code) or await find_organization(session, code)):
            return found
        if not name:
            return None
        try:
            named = known.get(name_key(name)) or await find_organization(session, name)
        except OrganizationAmbiguous:
            if not code:
                raise
            return None
        return None if named is not None and code and named.code else named

    def _compare(
        self,
        row: ParsedRow,
        organization: Organization,
        values: Fields,
        existing: Mapping[tuple[uuid.UUID, str], Any],
    ) -> Assessed:
        identity = self.service.identity(values)
        owner = organization.code or organization.name_key
        record = existing.get((organization.id, identity))
        if record is not None:
            self._leave_what_reads_alike(row, record, values)
        if (naming_it := self._naming(row, organization, values, record)) is not None:
            return Assessed(row.number, Outcome.REFUSED, problems=[naming_it])
        first = self.seen.setdefault((owner, identity), row.number)
        if first != row.number:
            return Assessed(row.number, Outcome.DUPLICATE, of_row=first)
        reviewed = organization.reviewed(self.reviewed)
        publish = row.values.get("state") is None
        if record is None:
            change = self.service.draft(organization, values)
            if publish:
                self.service.put_forward(change.record, reviewed=reviewed)
            return Assessed(row.number, Outcome.CREATED, owner, identity, change=change)
        if record.contact is not None and "contact" in values.model_fields_set:
            # Each part is a field of its own: one without a column is left alone.
            contact = record.contact | _contact(row.values)
            values.contact = Contact(**contact) if any(contact.values()) else None
        try:
            edited = self.service.edit(record, values, reviewed=reviewed, publish=publish)
        except FieldsDisagree as error:
            problem = Problem(None, error.code, None, error.message)
            return Assessed(row.number, Outcome.REFUSED, problems=[problem])
        outcome = Outcome.UNCHANGED if edited is None else Outcome.CHANGED
        return Assessed(row.number, outcome, owner, identity, change=edited)

    def _leave_what_reads_alike(self, row: ParsedRow, record: Record, values: Fields) -> None:
        """A field whose cell says what the record's own cell would say is not given: the record
        may hold what a cell does not (line breaks in a title, what shows a level)."""
        names = [name for name in values.model_fields_set if not _holds(record, name, values)]
        if not names:
            return
        own = parse_cells(headers(COLUMNS[self.kind]), cells_of(record), self.kind)
        for name in names:
            parts = [key for key in row.values if name == "contact" and key.startswith("contact_")]
            read = {key: row.values[key] for key in parts or [name]}
            if all(own.get(key) == value for key, value in read.items()):
                values.model_fields_set.discard(name)

    def _naming(
        self,
        row: ParsedRow,
        organization: Organization,
        values: Fields,
        record: Record | None,
    ) -> Problem | None:
        """What tells whose an anonymous demand is, with this row's values."""
        if not isinstance(values, DemandFields):
            return None
        texts, anonymous = naming.texts_of(values), values.anonymous
        if isinstance(record, Demand):
            given = values.model_fields_set
            kept = {k: v for k, v in naming.texts_of(record).items() if k not in given}
            texts |= kept | {naming.ATTACHMENTS: self._files[record.id]}
            anonymous = anonymous if "anonymous" in given else record.anonymous
        if not anonymous:
            return None
        known_by = naming.forms(organization.name, organization.code)
        if (name := naming.naming_field(known_by, texts)) is None:
            return None
        columns = [header for header, field_name in self.columns.items() if field_name == name]
        value = str(row.values.get(name) or name)[:200]
        message = _PROBLEMS["names_organization"]
        return Problem(columns[0] if columns else name, "names_organization", value, message)

    def _organization_problem(self, code: str, name: str) -> Problem:
        columns = [
            header
            for header, field_name in self.columns.items()
            if field_name in ("organization", "organization_code")
        ]
        return Problem(
            column=columns[0] if columns else None,
            code=code,
            value=name,
            message=_PROBLEMS[code].format(name=name),
        )

    def _problem(self, row: ParsedRow, error: Any) -> Problem:  # noqa: ANN401
        name = str(error["loc"][0])
        columns = [header for header, field_name in self.columns.items() if field_name == name]
        return Problem(
            column=columns[0] if columns else name,
            code=f"{name}_not_valid",
            value=str(row.values.get(name)),
            message=validation_text(error),
        )


def _holds(record: Record, name: str, values: Fields) -> bool:
    return bool(column_value(getattr(values, name)) == getattr(record, name))


def _new_organization(*, name: str, code: str | None) -> Organization:
    return Organization(
        id=new_id(),
        name=name,
        name_key=name_key(name),
        kind=parse_organization_kind(name) or OrganizationKind.ENTERPRISE,
        code=code,
    )


def _fields(values: dict[str, Any]) -> dict[str, Any]:
    """A row's values as the list's schema takes them: contact columns become one contact."""
    fields = {
        name: value
        for name, value in values.items()
        if not name.startswith(("contact_", "organization", "state"))
    }
    contact = _contact(values)
    if contact:
        fields["contact"] = contact if any(contact.values()) else None
    return fields


def _contact(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix("contact_"): value
        for name, value in values.items()
        if name.startswith("contact_")
    }
