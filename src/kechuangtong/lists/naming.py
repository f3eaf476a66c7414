"""Whether what an enterprise itself wrote in an anonymous demand tells who it is."""

import re
import unicodedata
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.text import fold, identity
from kechuangtong.core.trade import ListKind
from kechuangtong.lists.errors import NamesOrganization
from kechuangtong.models import Attachment, Demand, Organization

ATTACHMENTS: Final = "attachments"

TEXTS: Final = ("title", "description", "field", "keywords", "place", "required_trl")
# What a name ends in by law, and people leave out: 锦城机电(集团)股份有限公司 is 锦城机电.
_LEGAL: Final = re.compile(
    r"(?:[\s,.(]*(?:(?<![a-z0-9])(?:co|ltd|inc|llc|plc|limited|corp|corporation|company|group|gmbh)"
    r"(?![a-z0-9])|有限合伙|集团|控股|股份|有限|责任|总公司|公司)[\s.)]*)+$"
)
_SHORTEST: Final = 2


def forms(name: str, code: str | None) -> frozenset[str]:
    """What an organization is known by, compacted: its name, that without its legal ending, and
    its code."""
    known = {_compact(name), _compact(_LEGAL.sub("", fold(name))), _compact(code or "")}
    return frozenset(one for one in known if len(one) >= _SHORTEST)


def texts_of(source: object) -> dict[str, Any]:
    """The texts of a demand, or of values for one, that everyone sees."""
    return {name: getattr(source, name) for name in TEXTS}


def naming_field(known: frozenset[str], texts: Mapping[str, Any]) -> str | None:
    """The first of the fields whose text names the organization."""
    for field, value in texts.items():
        for text in _lines(value):
            compact = _compact(text)
            if any(one in compact for one in known):
                return field
    return None


async def check(session: AsyncSession, demands: Sequence[Demand]) -> None:
    """What anonymous demands and their attachments' names say, while no other renames their
    organizations. Raises NamesOrganization."""
    for field in (await told(session, demands)).values():
        raise NamesOrganization(field=field, loc=("body", field))


async def told(session: AsyncSession, demands: Sequence[Demand]) -> dict[uuid.UUID, str]:
    """Of these demands those that tell whose they are, each with the field that does."""
    if not demands:
        return {}
    owners = await known_by(session, {one.organization_id for one in demands})
    files = await attachment_names(session, [one.id for one in demands])
    found = {}
    for one in demands:
        texts = {**texts_of(one), ATTACHMENTS: files[one.id]}
        if (field := naming_field(owners[one.organization_id], texts)) is not None:
            found[one.id] = field
    return found


async def known_by(
    session: AsyncSession, organization_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, frozenset[str]]:
    """What organizations are known by; none of them is renamed until this transaction ends."""
    owners = await session.execute(
        select(Organization.id, Organization.name, Organization.code)
        .where(Organization.id.in_(organization_ids))
        .order_by(Organization.id)
        .with_for_update(read=True)
    )
    return {owner: forms(name, code) for owner, name, code in owners}


async def attachment_names(
    session: AsyncSession, demand_ids: Iterable[uuid.UUID]
) -> Mapping[uuid.UUID, list[str]]:
    """The file names of demands' attachments."""
    rows = await session.execute(
        select(Attachment.subject_id, Attachment.name).where(
            Attachment.subject_kind == ListKind.DEMAND, Attachment.subject_id.in_(demand_ids)
        )
    )
    names: defaultdict[uuid.UUID, list[str]] = defaultdict(list)
    for demand_id, name in rows:
        names[demand_id].append(name)
    return names


def _lines(value: Any) -> Iterable[str]:  # noqa: ANN401
    if isinstance(value, list):
        return value
    if value is not None and not isinstance(value, str):  # a level, and what shows it
        value = value.evidence
    return [value] if value else []


def _compact(text: str) -> str:
    """A text as names are looked for in it: folded, without spaces and invisible characters."""
    return "".join(one for one in identity(text) if unicodedata.category(one) != "Cf")
