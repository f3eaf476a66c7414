"""Merging: all that refers to an organization moves, wherever a table refers to one."""

import asyncio
import threading
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
from sqlalchemy import Table, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import Service
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.permissions import Role
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database
from kechuangtong.core.trade import ListKind, OrganizationKind, Price, PriceKind
from kechuangtong.imports.service import CHUNK, file_path, new_import, run_import
from kechuangtong.models import (
    Achievement,
    ApiKey,
    Attachment,
    AttachmentGrant,
    Base,
    Booking,
    Broker,
    BrokerConflict,
    Contract,
    ContractParty,
    Deal,
    DealParty,
    DealStep,
    Demand,
    Event,
    Import,
    Instrument,
    Interest,
    InterestMessage,
    Introduction,
    Invitation,
    Mandate,
    MatchRun,
    Membership,
    Notice,
    Organization,
    Ownership,
    OwnershipUnit,
    Registration,
    Review,
    Sale,
    SaleEntrant,
    SaleObjection,
    SavedSearch,
    ServiceProfile,
    User,
    Webhook,
)
from kechuangtong.models.attachment import Access
from kechuangtong.models.booking import BookingState
from kechuangtong.models.broker import BrokerGrade
from kechuangtong.models.contract import ContractKind, ContractSide
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.models.instrument import InstrumentKind, UserClass
from kechuangtong.models.listing import ListingState
from kechuangtong.models.notice import NoticeKind
from kechuangtong.models.ownership import OwnershipKind
from kechuangtong.models.review import ReviewSubject
from kechuangtong.models.sale import SaleObject, SaleWay
from kechuangtong.organizations import merging
from kechuangtong.organizations.service import find_organization
from people import change

CODE = "91510100MA6CGUTY07"


def references() -> list[tuple[Table, str]]:
    """Every column of every table that refers to an organization."""
    return [
        (table, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        for key in column.foreign_keys
        if key.target_fullname == "organizations.id"
    ]


async def something_in_every_table(session: AsyncSession, owner: uuid.UUID) -> None:
    """A row of each table that refers to an organization, with `owner` in each such column."""
    user = User(name=f"user of {owner}")
    session.add(user)
    await session.flush()
    later = now() + timedelta(days=1)
    achievement = Achievement(
        organization_id=owner,
        title="成果",
        identity="a" * 64,
        price=Price(PriceKind.UNKNOWN),
        stored_state=ListingState.PUBLISHED,
        published_at=now(),
    )
    demand = Demand(
        organization_id=owner, title="需求", identity="d" * 64, budget=Price(PriceKind.UNKNOWN)
    )
    session.add_all([achievement, demand])
    await session.flush()
    interest = Interest(
        subject_kind=ListKind.ACHIEVEMENT,
        achievement_id=achievement.id,
        organization_id=owner,
        owner_id=owner,
    )
    attachment = Attachment(
        subject_kind=ListKind.ACHIEVEMENT,
        subject_id=achievement.id,
        organization_id=owner,
        name="a.pdf",
        media_type="application/pdf",
        size=1,
        sha256="",
        access=Access.PUBLIC,
    )
    instrument = Instrument(organization_id=owner, kind=InstrumentKind.INSTRUMENT, name="仪器")
    booking = Booking(
        organization_id=owner,
        owner_id=owner,
        user_class=UserClass.INTERNAL,
        starts_at=later,
        ends_at=later,
        stored_state=BookingState.APPROVED,
    )
    deal = Deal(title="交易", opened_by=DealSide.BUYER)
    ownership = Ownership(
        achievement_id=achievement.id,
        number=1,
        kind=OwnershipKind.UNIT_OWNED,
        from_on=later.date(),
        units=[OwnershipUnit(position=0, organization_id=owner, share=Decimal(100))],
    )
    sale = Sale(
        achievement_id=achievement.id,
        organization_id=owner,
        buyer_id=owner,
        awarded_to_id=owner,
        way=SaleWay.AGREEMENT,
        object=SaleObject.LICENSE,
        title="许可",
        summary="",
        price=Decimal(1),
        opens_at=later,
        closes_at=later,
    )
    broker = Broker(
        user_id=user.id,
        organization_id=owner,
        name="经纪人",
        grade=BrokerGrade.JUNIOR,
        certificate_number="1",
        issuer="",
        issued_on=later.date(),
        valid_until=later.date(),
        text_key="",
        fields_key="",
        places_key="",
    )
    records = (interest, attachment, instrument, booking, deal, ownership, sale, broker)
    session.add_all(records)
    await session.flush()
    session.add_all(
        [
            Membership(user_id=user.id, organization_id=owner, role=Role.EDITOR),
            Webhook(organization_id=owner, url="https://hooks.example/", event_types=["*"]),
            ApiKey(
                user_id=user.id,
                organization_id=owner,
                name="k",
                scopes=[],
                hint="",
                secret_hash="k",
                expires_at=later,
            ),
            Invitation(
                organization_id=owner,
                email="a@example.org",
                role=Role.MEMBER,
                token_hash="i",
                expires_at=later,
            ),
            Import(
                id=uuid.uuid4(),
                kind=ListKind.ACHIEVEMENT,
                organization_id=owner,
                file_name="",
                file_hash="",
            ),
            Notice(
                organization_id=owner,
                kind=NoticeKind.SEARCH_ALERT,
                subject_kind="",
                subject_id=user.id,
                key="n",
            ),
            DealParty(deal_id=deal.id, organization_id=owner, side=DealSide.SELLER),
            Contract(
                deal_id=deal.id,
                title="合同",
                kind=ContractKind.SERVICE,
                total=1,
                technical=1,
                content={},
                parties=[
                    ContractParty(
                        side=ContractSide.SELLER, position=0, organization_id=owner, name="甲"
                    )
                ],
            ),
            DealStep(
                deal_id=deal.id,
                number=1,
                action="create",
                to_state=DealState.INTEREST,
                side=DealSide.SELLER,
                on=later.date(),
                organization_id=owner,
            ),
            SaleEntrant(sale_id=sale.id, number=1, organization_id=owner, related=False),
            SaleObjection(sale_id=sale.id, organization_id=owner, text=""),
            BrokerConflict(broker_id=broker.id, organization_id=owner, since=later.date()),
            Mandate(
                organization_id=owner,
                broker_id=broker.id,
                achievement_id=achievement.id,
                exclusive=True,
                starts_on=later.date(),
                ends_on=later.date(),
            ),
            ServiceProfile(organization_id=owner, text_key="", places_key=""),
            InterestMessage(interest_id=interest.id, organization_id=owner, text=""),
            Introduction(interest_id=interest.id, organization_id=owner, owner_id=owner),
            SavedSearch(organization_id=owner, name="", query={}),
            MatchRun(organization_id=owner, kind=ListKind.DEMAND, query={}, query_hash=""),
            AttachmentGrant(attachment_id=attachment.id, organization_id=owner),
            Review(
                subject_kind=ReviewSubject.ACHIEVEMENT,
                subject_id=achievement.id,
                organization_id=owner,
                title="成果",
                place="四川省绵阳市",
            ),
            Registration(
                user_id=user.id,
                name="",
                kind=OrganizationKind.ENTERPRISE,
                code=CODE,
                proof="",
                organization_id=owner,
            ),
            Organization(
                name="更早的名称",
                name_key="更早的名称",
                kind=OrganizationKind.ENTERPRISE,
                merged_into_id=owner,
            ),
        ]
    )


async def new(admin: httpx.AsyncClient, name: str, **values: Any) -> str:
    body = {"name": name, "kind": "university", **values}
    return str((await admin.post("/v1/organizations", json=body)).raise_for_status().json()["id"])


async def merge(admin: httpx.AsyncClient, one: str, into: str) -> httpx.Response:
    return await change(admin, f"/v1/organizations/{one}/merge", {"into": into})


async def test_all_that_refers_to_the_one_refers_to_the_other(
    service: Service, admin: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    target = str(service.university)
    one = await new(admin, "蜀江大学", code=CODE, place="四川省绵阳市")
    database = service.runtime.database
    async with database.write() as session:
        await something_in_every_table(session, uuid.UUID(one))
        await session.execute(
            update(Organization)
            .where(Organization.id == service.university)
            .values(place="四川省成都市")
        )
    async with database.read() as session:
        for table, name in references():
            held = select(func.count()).select_from(table).where(table.c[name] == uuid.UUID(one))
            assert await session.scalar(held), f"no row tries {table.name}.{name}"
    path = f"/v1/organizations/{one}/merge"
    assert (await change(scholar, path, {"into": target})).status_code == 403
    assert (await admin.post(path, json={"into": target})).status_code == 428
    stale = await admin.post(path, json={"into": target}, headers={"If-Match": '"9"'})
    assert stale.status_code == 412

    merged = await merge(admin, one, target)
    assert (merged.status_code, merged.json()["id"], merged.json()["code"]) == (200, target, CODE)
    async with database.read() as session:
        for table, name in references():
            count = select(func.count()).select_from(table)
            left = await session.scalar(count.where(table.c[name] == uuid.UUID(one)))
            moved = await session.scalar(count.where(table.c[name] == service.university))
            assert (left, moved or 0) == (0, moved), f"{table.name}.{name}"
            assert moved, f"{table.name}.{name}"
        review = (await session.scalars(select(Review))).one()
        assert review.place == "四川省成都市"  # its district is the other's now
        actions = list(
            await session.scalars(select(Event.action).order_by(Event.id.desc()).limit(2))
        )
        assert sorted(actions) == ["organization.joined", "organization.merged"]
    # It stays as a name: not listed, shown as merged, found by imports, and nothing is added to it.
    listed = (await admin.get("/v1/organizations")).json()["items"]
    assert [item["id"] for item in listed if item["name"] == "蜀江大学"] == [target]
    shown = (await admin.get(f"/v1/organizations/{one}")).json()
    assert (shown["merged_into_id"], shown["code"]) == (target, None)
    async with database.read() as session:
        for text in (one, "蜀江大学", CODE, "更早的名称"):
            found = await find_organization(session, text)
            assert found is not None
            assert str(found.id) == target, text
    answer = await change(admin, f"/v1/organizations/{one}", {"name": "x"}, "PATCH")
    assert (answer.status_code, answer.json()["code"]) == (409, "organization_merged")
    answer = await admin.post("/v1/demands", json={"organization_id": one, "title": "新"})
    assert (answer.status_code, answer.json()["code"]) == (409, "organization_merged")
    for first, second, status, code in (
        (one, target, 409, "organization_merged"),
        (target, one, 409, "organization_merged"),
        (target, target, 422, "merged_into_itself"),
        (target, str(uuid.uuid4()), 422, "organization_unknown"),
        (str(uuid.uuid4()), target, 404, "not_found"),
    ):
        answer = await merge(admin, first, second)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_who_is_in_both_keeps_the_higher_role_and_conflicts_move_nothing(
    service: Service, admin: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    one, target = await new(admin, "甲"), str(service.university)
    async with service.runtime.database.write() as session:
        people = [User(name=name) for name in ("p0", "p1")]
        session.add_all(people)
        await session.flush()
        for user, here, there in (
            (people[0], Role.MANAGER, Role.MEMBER),
            (people[1], Role.MEMBER, Role.EDITOR),
        ):
            for owner, role in ((uuid.UUID(one), here), (service.university, there)):
                session.add(Membership(user_id=user.id, organization_id=owner, role=role))
    for owner, title, number in (
        (one, "同名成果", None),
        (target, "同名成果", None),
        (one, "另一名称", "N-1"),
        (target, "又一名称", "n-1"),
        (one, "只有甲有", None),
    ):
        body = {"organization_id": owner, "title": title, "number": number}
        assert (await admin.post("/v1/achievements", json=body)).status_code == 201
    refused = await merge(admin, one, target)
    assert (refused.status_code, refused.json()["code"]) == (409, "records_conflict")
    assert "同名成果; 另一名称" in refused.json()["detail"]
    assert "只有甲有" not in refused.json()["detail"]
    assert (await admin.get(f"/v1/organizations/{one}")).json()["merged_into_id"] is None
    mine = (await admin.get(f"/v1/achievements?organization_id={one}&sort=title")).json()["items"]
    assert len(mine) == 3
    for record in mine:
        if record["title"] != "只有甲有":
            await change(admin, f"/v1/achievements/{record['id']}", method="DELETE")
    other = await new(admin, "乙", code=CODE)
    third = await new(admin, "丙", code="91510100MA7KQPWL3T")
    answer = await merge(admin, other, third)
    assert (answer.status_code, answer.json()["code"]) == (409, "codes_differ")

    # Of several who merge at once in either direction, one does.
    answers = await asyncio.gather(
        merge(admin, one, target), merge(admin, target, one), merge(admin, one, target)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    stays = next(answer for answer in answers if answer.is_success).json()["id"]
    async with service.runtime.database.read() as session:
        members = await session.scalars(
            select(Membership).where(Membership.organization_id == uuid.UUID(stays))
        )
        roles = {one.user_id: one.role for one in members}
        assert [roles[user.id] for user in people] == [Role.MANAGER, Role.EDITOR]
    owned = (await scholar.get(f"/v1/achievements?organization_id={stays}")).json()["items"]
    assert sorted(record["title"] for record in owned) == ["又一名称", "只有甲有", "同名成果"]


async def test_an_import_goes_on_into_the_other(service: Service, admin: httpx.AsyncClient) -> None:
    one, target = await new(admin, "甲"), str(service.university)
    runtime = service.runtime
    async with runtime.database.write() as session:
        imported = new_import(
            OPERATOR,
            kind=ListKind.ACHIEVEMENT,
            organization=await session.get(Organization, uuid.UUID(one)),
            file_name="a.csv",
        )
        session.add(imported)
    path = file_path(runtime.settings, imported)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "成果名称\n" + "".join(f"成果{n}\n" for n in range(CHUNK + 1)), encoding="utf-8"
    )

    async def merge_meanwhile() -> None:
        database = Database(runtime.settings.resolved_database_url)
        async with database.write() as session:
            await merging.merge(
                session, OPERATOR, uuid.UUID(one), into=service.university, expected_versions=None
            )
        await database.close()

    def after_a_chunk(done: int, _total: int) -> None:
        if done == CHUNK:  # between two transactions of the import
            thread = threading.Thread(target=lambda: asyncio.run(merge_meanwhile()))
            thread.start()
            thread.join()

    finished = await run_import(runtime.database, runtime.settings, imported.id, after_a_chunk)
    assert finished.counts["created"] == CHUNK + 1
    async with runtime.database.read() as session:
        owners = await session.scalars(select(Achievement.organization_id).distinct())
        assert [str(owner) for owner in owners] == [target]
