"""The sample: two lists of our own writing, with pairs graded by hand beside them.

Its ids are fixed, so that the examples of the API's documentation answer.
"""

import hashlib
import json
import secrets
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.hashing import hash_token
from kechuangtong.accounts.permissions import Permission, PlatformRole, Role
from kechuangtong.accounts.service import create_user
from kechuangtong.achievements.schemas import AchievementCreate
from kechuangtong.achievements.service import achievements
from kechuangtong.attachments.store import Store
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id
from kechuangtong.core.language import Text
from kechuangtong.core.trade import ImportKind, ListKind, OrganizationKind
from kechuangtong.demands.schemas import DemandCreate
from kechuangtong.demands.service import demands
from kechuangtong.editions.service import freeze
from kechuangtong.imports.service import new_import
from kechuangtong.matching.explanation import Side, explain
from kechuangtong.matching.ranking import Judgement
from kechuangtong.matching.runs.schemas import MatchRunCreate
from kechuangtong.matching.runs.service import new_run
from kechuangtong.matching.runs.work import counted, row_of
from kechuangtong.matching.service import Pair
from kechuangtong.models import (
    Achievement,
    ApiKey,
    Attachment,
    Demand,
    Invitation,
    MatchRunPair,
    Organization,
    PasswordReset,
    Registration,
    Review,
    User,
)
from kechuangtong.models.attachment import Access, AttachedTo
from kechuangtong.models.importing import Import, ImportRow, ImportState, Outcome
from kechuangtong.models.listing import ListingState
from kechuangtong.models.match_run import MatchRunState
from kechuangtong.models.review import ReviewSubject
from kechuangtong.organizations.invitations.service import GOOD_FOR
from kechuangtong.organizations.service import create_organization
from kechuangtong.sample import ids
from kechuangtong.sample.brokers import add_brokers
from kechuangtong.sample.contacts import add_contacts
from kechuangtong.sample.contracts import add_contracts
from kechuangtong.sample.deals import MINUTES, add_deals
from kechuangtong.sample.ids import sample_id
from kechuangtong.sample.instruments import PICTURE, add_bookings, add_instruments
from kechuangtong.sample.releases import add_publications
from kechuangtong.sample.sales import add_ownership, add_sales
from kechuangtong.sample.webhooks import add_webhook

USER: Final = "demo"
EDITOR: Final = "demo-editor"
REVIEWER: Final = "demo-reviewer"
AUDITOR: Final = "demo-auditor"
USERS: Final = (USER, EDITOR, REVIEWER, AUDITOR)
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
    # The review of what is submitted below, with an id for the examples.
    session.add(
        Review(
            id=uuid.UUID(ids.REVIEW),
            subject_kind=ReviewSubject.ACHIEVEMENT,
            subject_id=uuid.UUID(ids.ACHIEVEMENT_IN_REVIEW),
            title="",
        )
    )
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
            organizations[one["id"]].review = one.get("review")
        else:
            await _list(session, one["kind"], one["id"], values, organizations)
    administrator = await _sample_users(session)
    await _sample_import(session)
    await _sample_match_runs(session)
    await _sample_registrations(session, administrator)
    await add_contacts(session)
    await add_instruments(session)
    await add_bookings(session)
    await add_webhook(session)
    await add_deals(session)
    await add_brokers(session)
    await add_ownership(session)
    await add_sales(session)
    await add_contracts(session)
    await add_publications(session)
    for kind in ListKind:
        await freeze(session, OPERATOR, kind)
    session.add(
        Attachment(
            id=uuid.UUID(ids.ATTACHMENT),
            subject_kind=AttachedTo.ACHIEVEMENT,
            subject_id=uuid.UUID(ids.ACHIEVEMENT),
            organization_id=uuid.UUID(ids.ORGANIZATION),
            name="技术说明.txt",
            media_type="text/plain",
            size=len(_ATTACHED),
            sha256=hashlib.sha256(_ATTACHED).hexdigest(),
            access=Access.PUBLIC,
        )
    )


async def _sample_users(session: AsyncSession) -> User:
    """The administrator who is told of, people of the other roles, and what lets people in."""
    administrator = await create_user(
        session, name=USER, password=PASSWORD, platform_role=PlatformRole.ADMINISTRATOR
    )
    organization_id = uuid.UUID(ids.ORGANIZATION)
    editor = await create_user(
        session,
        name=EDITOR,
        password=PASSWORD,
        email="editor@jinjiang.example",
        organization_id=organization_id,
        role=Role.EDITOR,
        user_id=uuid.UUID(ids.USER),
    )
    for name, role in ((REVIEWER, PlatformRole.REVIEWER), (AUDITOR, PlatformRole.AUDITOR)):
        await create_user(session, name=name, password=PASSWORD, platform_role=role)
    session.add_all(
        [
            PasswordReset(
                user_id=editor.id,
                token_hash=hash_token(ids.RESET_TOKEN),
                expires_at=now() + timedelta(hours=1),
            ),
            Invitation(
                id=uuid.UUID(ids.INVITATION),
                organization_id=organization_id,
                email="new.colleague@jinjiang.example",
                role=Role.MEMBER,
                token_hash=hash_token(ids.INVITATION_TOKEN),
                expires_at=now() + GOOD_FOR,
            ),
            ApiKey(
                id=uuid.UUID(ids.API_KEY),
                user_id=administrator.id,
                name="成果同步",
                scopes=[Permission.ACHIEVEMENTS_READ.value],
                hint="kct_sample",
                secret_hash=hash_token(secrets.token_urlsafe()),  # nobody knows its secret
                expires_at=now() + timedelta(days=365),
            ),
        ]
    )
    return administrator


async def store_sample(store: Store) -> None:
    """Bring the contents of the sample's attachment, photograph and document to the store."""

    async def blocks(content: bytes) -> AsyncIterator[bytes]:
        yield content

    await store.put(uuid.UUID(ids.ATTACHMENT), blocks(_ATTACHED))
    await store.put(uuid.UUID(ids.PHOTOGRAPH), blocks(PICTURE))
    await store.put(uuid.UUID(ids.DEAL_DOCUMENT), blocks(MINUTES))


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
    if state in (ListingState.PUBLISHED, ListingState.WITHDRAWN):
        change.record.published_at = now()
    await service.save(session, OPERATOR, [change])


async def _sample_registrations(session: AsyncSession, user: User) -> None:
    """One that the demo's user asks for, and one that somebody else does, to be decided."""
    applicant = await create_user(
        session, name="applicant", password=secrets.token_urlsafe(), email="applicant@example.org"
    )
    for short, code, name, by in (
        (ids.REGISTRATION, "91510100MA7KQPWL3T", "成都芙蓉里包装有限公司", user),
        (ids.REGISTRATION_TO_RETURN, "91510300MACW2HJ57R", "自贡釜溪灯彩有限公司", applicant),
    ):
        registration = Registration(
            id=uuid.UUID(short),
            user_id=by.id,
            name=name,
            kind=OrganizationKind.ENTERPRISE,
            code=code,
            place="四川省成都市",
            proof="营业执照复印件已寄送。",
        )
        review = Review(
            id=uuid.UUID(ids.REVIEW_TO_RETURN) if by is applicant else new_id(),
            subject_kind=ReviewSubject.REGISTRATION,
            subject_id=registration.id,
            title=name,
            place=registration.place,
            submitted_by=by.id,
        )
        session.add_all([registration, review])


async def _sample_import(session: AsyncSession) -> None:
    """The records of two imports, for the examples of the documentation."""
    imported: Import = new_import(
        OPERATOR,
        kind=ImportKind.ACHIEVEMENT,
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
    unfinished = new_import(
        OPERATOR,
        kind=ImportKind.DEMAND,
        organization=await session.get(Organization, uuid.UUID(ids.ENTERPRISE)),
        file_name="需求清单.xlsx",
        import_id=uuid.UUID(ids.IMPORT_TO_CANCEL),
    )
    session.add(unfinished)
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


async def _sample_match_runs(session: AsyncSession) -> None:
    """A run with the pairs of a demand, as they were graded by hand, and one to cancel."""
    asked = MatchRunCreate(kind=ListKind.DEMAND)
    enterprise = uuid.UUID(ids.ENTERPRISE)
    done = new_run(OPERATOR, enterprise, asked, uuid.UUID(ids.MATCH_RUN))
    to_cancel = new_run(OPERATOR, enterprise, asked, uuid.UUID(ids.MATCH_RUN_TO_CANCEL))
    done.state, done.total, done.done = MatchRunState.DONE, 1, 1
    to_cancel.state, to_cancel.total = MatchRunState.RUNNING, 1
    done.started_at = done.finished_at = to_cancel.started_at = now()
    demand = await session.get_one(Demand, uuid.UUID(ids.DEMAND))
    rows = []
    for short, of_achievement, grade in grades():
        if sample_id(short) == demand.id and grade > 1:
            achievement = await session.get_one(Achievement, sample_id(of_achievement))
            judgement = Judgement(value=grade, score=(grade - 1) / 4, grade=grade, closeness=None)
            facts = explain(
                Side(demand, [], []),
                Side(achievement, [], []),
                judgement,
                weight=lambda _: 0,
                close=1,
                on=today(),
            )
            rows.append(row_of(done, Pair(demand, achievement, judgement, facts), {}))
    done.counts = counted(done.counts, rows)
    session.add_all([done, to_cancel])
    await session.flush()  # what follows refers to it
    session.add_all(MatchRunPair(**row) for row in rows)
