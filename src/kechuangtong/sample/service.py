"""The sample: two lists of our own writing, with pairs graded by hand beside them.

Its ids are fixed, so that the examples of the API's documentation answer.
"""

import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from importlib.resources import files
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.permissions import PlatformRole
from kechuangtong.accounts.service import create_user
from kechuangtong.achievements.schemas import AchievementCreate
from kechuangtong.achievements.service import achievements
from kechuangtong.attachments.store import Store
from kechuangtong.core.clock import now
from kechuangtong.core.language import Text
from kechuangtong.core.trade import ListKind, OrganizationKind
from kechuangtong.demands.schemas import DemandCreate
from kechuangtong.demands.service import demands
from kechuangtong.imports.service import new_import
from kechuangtong.models import Achievement, Attachment, Demand, Organization
from kechuangtong.models.attachment import Access
from kechuangtong.models.importing import Import, ImportRow, ImportState, Outcome
from kechuangtong.models.listing import ListingState
from kechuangtong.organizations.service import create_organization
from kechuangtong.sample import ids

USER: Final = "demo"
PASSWORD: Final = "kechuangtong-demo"  # noqa: S105


_ATTACHED: Final = """\
技术说明

本附件为演示数据，附在示例成果之后：公开的附件人人可以下载，登录可见和仅限获准单位的附件须有相应权限。
""".encode()


class DataInUse(RuntimeError):
    """The database holds records that are not the sample's."""

    message = Text(
        "数据目录中已有其他数据，演示不会改动它；请用 KCT_DATA_DIR 另指一个目录。",
        "The data folder holds other records, which the demo leaves alone: name another folder "
        "by KCT_DATA_DIR.",
    )

    def __init__(self) -> None:
        super().__init__(self.message.en)


def sample_id(short: str) -> uuid.UUID:
    """The fixed id of a record of the sample (a0001)."""
    return uuid.UUID(f"01900000-0000-7000-8000-{short:0>12}")


def records() -> Iterator[dict[str, Any]]:
    """The sample's organizations, achievements and demands, as written."""
    text = files("kechuangtong.sample").joinpath("sample.jsonl").read_text(encoding="utf-8")
    return (json.loads(line) for line in text.splitlines())


def grades() -> Iterator[tuple[str, str, int]]:
    """The graded pairs: demand, achievement (short ids), grade 1 to 4."""
    text = files("kechuangtong.sample").joinpath("qrels.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        demand, achievement, grade = line.split("\t")
        yield demand, achievement, int(grade)


async def load_sample(session: AsyncSession) -> None:
    """Load the sample into an empty database; where it is already, leave it.

    Raises DataInUse where there are records of others.
    """
    if await session.get(Organization, uuid.UUID(ids.ORGANIZATION)) is not None:
        return
    for model in (Organization, Achievement, Demand):
        if await session.scalar(select(func.count()).select_from(model)):
            raise DataInUse
    organizations: dict[str, Organization] = {}
    for one in records():
        values = {name: value for name, value in one.items() if name not in ("kind", "id")}
        if one["kind"] == "organization":
            organizations[one["id"]] = await create_organization(
                session,
                OPERATOR,
                name=one["name"],
                kind=OrganizationKind(one["organization_kind"]),
                code=one["code"],
                place=one["place"],
                organization_id=sample_id(one["id"]),
            )
        else:
            await _list(session, one["kind"], one["id"], values, organizations)
    await create_user(
        session, name=USER, password=PASSWORD, platform_role=PlatformRole.ADMINISTRATOR
    )
    await _sample_import(session)
    session.add(
        Attachment(
            id=uuid.UUID(ids.ATTACHMENT),
            subject_kind=ListKind.ACHIEVEMENT,
            subject_id=uuid.UUID(ids.ACHIEVEMENT),
            organization_id=uuid.UUID(ids.ORGANIZATION),
            name="技术说明.txt",
            media_type="text/plain",
            size=len(_ATTACHED),
            sha256=hashlib.sha256(_ATTACHED).hexdigest(),
            access=Access.PUBLIC,
        )
    )


async def store_sample(store: Store) -> None:
    """Bring the content of the sample's attachment to the store."""

    async def blocks() -> AsyncIterator[bytes]:
        yield _ATTACHED

    await store.put(uuid.UUID(ids.ATTACHMENT), blocks())


async def _list(
    session: AsyncSession,
    kind: str,
    short: str,
    values: dict[str, Any],
    organizations: dict[str, Organization],
) -> None:
    state = ListingState(values.pop("state", "published"))
    organization = organizations[values.pop("organization")]
    values["organization_id"] = organization.id
    service: Any = achievements if kind == ListKind.ACHIEVEMENT else demands
    schema = AchievementCreate if kind == ListKind.ACHIEVEMENT else DemandCreate
    change = service.draft(organization, schema.model_validate(values), sample_id(short))
    change.record.stored_state = state
    if state is not ListingState.DRAFT:
        change.record.published_at = now()
    await service.save(session, OPERATOR, [change])


async def _sample_import(session: AsyncSession) -> None:
    """The record of an import, for the examples of the documentation."""
    imported: Import = new_import(
        OPERATOR,
        kind=ListKind.ACHIEVEMENT,
        organization=await session.get(Organization, uuid.UUID(ids.ORGANIZATION)),
        file_name="成果清单.xlsx",
        import_id=uuid.UUID(ids.IMPORT),
    )
    imported.state = ImportState.DONE
    imported.sheet, imported.header_row, imported.columns = "成果", 1, {"成果名称": "title"}
    imported.total = imported.done = 2
    imported.counts |= {Outcome.UNCHANGED.value: 1, Outcome.REFUSED.value: 1}
    imported.finished_at = now()
    session.add(imported)
    session.add(ImportRow(import_id=imported.id, row=2, outcome=Outcome.UNCHANGED, problems=[]))
    missing = {
        "column": "成果名称",
        "code": "title_missing",
        "value": "",
        "zh": "缺少名称",
        "en": "the title is missing",
    }
    session.add(
        ImportRow(import_id=imported.id, row=3, outcome=Outcome.REFUSED, problems=[missing])
    )
