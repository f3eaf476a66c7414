"""Interest and introduction: who may do what in which state, who is told what, and when."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import time_machine
from sqlalchemy import delete, select, update

from conftest import PASSWORD, Service
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.accounts.service import create_user
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.interests.states import ACTS, TRANSITIONS, Action, Side
from kechuangtong.models import (
    Achievement,
    Demand,
    Event,
    Interest,
    Mail,
    MatchFeedback,
    Notice,
    User,
)
from kechuangtong.models.interest import InterestState
from kechuangtong.organizations.service import create_organization

BODIES = {
    Action.ASK: {"message": "处理风量是多少？"},
    Action.ANSWER: {"message": "每小时 8000 立方米。"},
    Action.DECLINE: {"reason": "too_early"},
}
CONTACT = {"name": "陈工", "phone": "028-00000000"}


async def publish(
    client: httpx.AsyncClient, kind: str, organization_id: uuid.UUID, title: str, **values: object
) -> str:
    """The id of a published record."""
    body = {"organization_id": str(organization_id), "title": title, **values}
    made = await client.post(f"/v1/{kind}s", json=body)
    path = made.raise_for_status().headers["Location"]
    (await client.post(f"{path}/publish", headers={"If-Match": "*"})).raise_for_status()
    return str(made.json()["id"])


@pytest.fixture
async def achievement(service: Service, scholar: httpx.AsyncClient) -> str:
    """A published achievement of the university, with a contact."""
    title = "余热除湿机组"
    return await publish(scholar, "achievement", service.university, title, contact=CONTACT)


@pytest.fixture
async def demand(service: Service, buyer: httpx.AsyncClient) -> str:
    """A published demand of the enterprise."""
    return await publish(buyer, "demand", service.enterprise, "烘房除湿")


@pytest.fixture
async def auditor(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Someone who reads everything and changes nothing."""
    async with service.runtime.database.write() as session:
        role = PlatformRole.AUDITOR
        await create_user(session, name="auditor", password=PASSWORD, platform_role=role)
    async with service.client(await service.token("auditor")) as client:
        yield client


async def make_anonymous(service: Service, demand: str) -> None:
    async with service.runtime.database.write() as session:
        wanted = Demand.id == uuid.UUID(demand)
        await session.execute(update(Demand).where(wanted).values(anonymous=True))


async def express(client: httpx.AsyncClient, kind: str, **ids: str) -> httpx.Response:
    body = {"subject_kind": kind, "message": "想了解能耗。", **ids}
    return await client.post("/v1/interests", json=body)


async def act(
    client: httpx.AsyncClient, interest: str, action: Action, tag: str = "*"
) -> httpx.Response:
    path = f"/v1/interests/{interest}/{action.value}"
    return await client.post(path, json=BODIES.get(action), headers={"If-Match": tag})


async def inbox(client: httpx.AsyncClient, query: str = "") -> list[dict[str, object]]:
    items: list[dict[str, object]] = (await client.get(f"/v1/inbox?{query}")).json()["items"]
    return items


async def test_an_interest_goes_from_words_to_an_introduction(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    achievement: str,
    demand: str,
) -> None:
    async with service.runtime.database.write() as session:
        await session.execute(update(User).values(email=User.name + "@example.cn"))
    made = await express(buyer, "achievement", achievement_id=achievement, demand_id=demand)
    assert made.status_code == 201
    path, interest = made.headers["Location"], made.json()["id"]
    assert set(made.json()["match"]) == {"score", "grade", "ranker", "reasons"}
    assert "shared_terms" in made.json()["match"]["reasons"]["for"]
    assert (made.json()["box"], made.json()["state"]) == ("sent", "expressed")

    got = (await scholar.get(path)).json()
    assert (got["box"], got["organization"]["name"]) == ("received", "锦城机电有限公司")
    assert [one["text"] for one in got["messages"]] == ["想了解能耗。"]
    assert got["messages"][0]["user"] is None  # a name may be one to write to
    assert (await anyone.get(path)).status_code == 401

    asked = await act(scholar, interest, Action.ASK, made.headers["ETag"])
    assert asked.json()["state"] == "asked"
    assert (await act(buyer, interest, Action.ANSWER, made.headers["ETag"])).status_code == 412
    answered = await act(buyer, interest, Action.ANSWER, asked.headers["ETag"])
    for client in (scholar, buyer):
        text = json.dumps((await client.get(path)).json(), ensure_ascii=False)
        assert CONTACT["phone"] not in text
        assert "@example.cn" not in text
        assert (await client.get("/v1/introductions")).json()["items"] == []

    accepted = await act(scholar, interest, Action.ACCEPT, answered.headers["ETag"])
    assert [one["user"] for one in accepted.json()["messages"]] == ["buyer", "scholar", "buyer"]
    meeting = f"/v1/introductions/{accepted.json()['introduction_id']}"
    await scholar.post(f"/v1/achievements/{achievement}/withdraw", headers={"If-Match": "*"})
    assert (await buyer.get(f"/v1/achievements/{achievement}")).status_code == 404
    for client in (scholar, buyer):
        met = (await client.get(meeting)).json()
        assert met["owner"]["organization"]["name"] == "蜀江大学"
        assert met["owner"]["contact"]["phone"] == CONTACT["phone"]
        assert met["sender"]["contact"]["email"] == "buyer@example.cn"
        assert met["achievement"]["title"] == "余热除湿机组"
        assert (met["achievement"]["state"], met["achievement"]["contact"]) == ("withdrawn", None)
        query = f"achievement_id={achievement}&demand_id={demand}"
        listed = (await client.get(f"/v1/introductions?{query}")).json()
        assert [one["id"] for one in listed["items"]] == [met["id"]]

    async with service.runtime.database.read() as session:
        events = await session.scalars(select(Event).where(Event.subject_kind == "interest"))
        logged = [(one.action, json.dumps(one.after, ensure_ascii=False)) for one in events]
        (said,) = await session.scalars(select(MatchFeedback))
        decider = await session.scalar(select(User.id).where(User.name == "scholar"))
    kept = ["expressed", "asked", "expressed", "accepted"]
    assert [action for action, _ in logged] == [f"interest.{one}" for one in kept]
    assert not any("想了解" in after or CONTACT["phone"] in after for _, after in logged)
    assert (said.verdict, said.user_id) == ("useful", decider)
    assert said.score == made.json()["match"]["score"]
    counted = (await anyone.get("/v1/statistics")).json()
    assert (counted["interests"], counted["introductions"]) == (1, 1)


async def test_every_state_and_action_and_side_is_as_the_table_has_it(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    auditor: httpx.AsyncClient,
    achievement: str,
) -> None:
    async with service.runtime.database.write() as session:
        for name, owner, role in (
            ("colleague", service.university, Role.MEMBER),
            ("stranger", None, Role.EDITOR),
        ):
            await create_user(
                session, name=name, password=PASSWORD, organization_id=owner, role=role
            )
    sides = {Side.OWNER: scholar, Side.SENDER: buyer}
    number = 0
    for state in InterestState:
        for action in Action:
            number += 1
            async with service.runtime.database.write() as session:
                session.add(
                    interest := Interest(
                        subject_kind="achievement",
                        achievement_id=uuid.UUID(achievement),
                        organization_id=service.enterprise,
                        owner_id=service.university,
                        state=state,
                    )
                )
            right = ACTS[action]
            wrong = await act(sides[right.other], str(interest.id), action)
            assert (wrong.status_code, wrong.json()["code"]) == (403, "forbidden"), (state, action)
            answer = await act(sides[right], str(interest.id), action)
            if (after := TRANSITIONS[state].get(action)) is None:
                assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
                after = state
            else:
                assert answer.status_code == 200, (state, action)
            read = (await sides[right].get(f"/v1/interests/{interest.id}")).json()
            assert read["state"] == after, (state, action)
    assert number == 25

    path = f"/v1/interests/{interest.id}"
    async with service.client(await service.token("colleague")) as colleague:
        assert (await colleague.get(path)).status_code == 200
        assert (await act(colleague, str(interest.id), Action.ACCEPT)).status_code == 403
    assert (await auditor.get(path)).status_code == 200
    assert (await act(auditor, str(interest.id), Action.ACCEPT)).status_code == 403
    async with service.client(await service.token("stranger")) as stranger:
        assert (await stranger.get(path)).status_code == 403  # acts for nobody
    assert (await scholar.post(f"{path}/accept")).status_code == 428


async def test_an_interest_is_in_what_is_public_and_anothers_and_is_listed(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    achievement: str,
    demand: str,
) -> None:
    missing = str(uuid.uuid4())
    async with service.runtime.database.write() as session:
        third = await create_organization(
            session, OPERATOR, name="第三方", kind=OrganizationKind.INSTITUTE
        )
    draft = await scholar.post(
        "/v1/achievements", json={"organization_id": str(service.university), "title": "草稿"}
    )
    past = await publish(scholar, "achievement", service.university, "已过期")
    async with service.runtime.database.write() as session:
        wanted = Achievement.id == uuid.UUID(past)
        yesterday = datetime.now(UTC).date() - timedelta(days=2)
        await session.execute(update(Achievement).where(wanted).values(valid_until=yesterday))
    own = await publish(buyer, "demand", service.enterprise, "另一需求")
    of_enterprise = {"organization_id": str(service.enterprise)}
    for client, kind, ids, status, code, place in (
        (buyer, "achievement", {}, 422, "subject_missing", "achievement_id"),
        (buyer, "achievement", {"achievement_id": missing}, 422, "record_not_found", None),
        (
            buyer,
            "achievement",
            {"achievement_id": draft.json()["id"]},
            422,
            "record_not_found",
            None,
        ),
        (buyer, "achievement", {"achievement_id": past}, 422, "record_not_found", None),
        (scholar, "achievement", {"achievement_id": achievement}, 409, "own_record", None),
        (
            buyer,
            "demand",
            {"demand_id": own},
            409,
            "own_record",
            "demand_id",
        ),
        (
            scholar,
            "demand",
            {"demand_id": demand, "achievement_id": past},
            409,
            "record_not_open",
            "achievement_id",
        ),
        (
            admin,
            "demand",
            {"demand_id": demand, "achievement_id": achievement},
            422,
            "organization_unnamed",
            "organization_id",
        ),
        (
            scholar,
            "demand",
            {"demand_id": demand, **of_enterprise},
            403,
            "forbidden",
            "organization_id",
        ),
        (buyer, "achievement", {"achievement_id": achievement, "surprise": "x"}, 422, None, None),
        (buyer, "achievement", {"achievement_id": achievement, "message": " "}, 422, None, None),
    ):
        answer = await express(client, kind, **ids)
        assert answer.status_code == status, (kind, ids, answer.text)
        assert code is None or answer.json()["code"] == code
        assert place is None or answer.json()["errors"][0]["loc"] == ["body", place]
    # What it comes from is one's own.
    foreign = await express(
        admin,
        "demand",
        demand_id=demand,
        achievement_id=achievement,
        organization_id=str(third.id),
    )
    assert (foreign.status_code, foreign.json()["code"]) == (422, "not_own_record")
    assert (await buyer.get("/v1/interests")).json()["items"] == []

    received = (await express(buyer, "achievement", achievement_id=achievement)).json()["id"]
    sent = (await express(scholar, "demand", demand_id=demand)).json()["id"]
    await act(buyer, sent, Action.ASK)
    for query, expected in (
        ("", [sent, received]),
        ("box=sent", [sent]),
        ("box=received", [received]),
        (f"box=received&organization_id={service.university}", [received]),
        ("state=asked", [sent]),
        (f"achievement_id={achievement}", [received]),
        (f"demand_id={demand}&state=expressed", []),
    ):
        found = (await scholar.get(f"/v1/interests?{query}")).json()["items"]
        assert [one["id"] for one in found] == expected, query
    first = await scholar.get("/v1/interests?limit=1")
    following = await scholar.get(first.links["next"]["url"])
    assert [one["id"] for one in following.json()["items"]] == [received]
    for query, place in (("box=all", "box"), ("cursor=x", "cursor"), ("surprise=1", "surprise")):
        bad = await scholar.get(f"/v1/interests?{query}")
        assert (bad.status_code, bad.json()["errors"][0]["loc"]) == (422, ["query", place])


async def test_of_many_at_once_one_is_expressed_and_one_decides(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, achievement: str
) -> None:
    made = await asyncio.gather(
        *(express(buyer, "achievement", achievement_id=achievement) for _ in range(10))
    )
    assert sorted(one.status_code for one in made) == [201] + [409] * 9
    assert {one.json().get("code") for one in made} == {None, "interest_exists"}
    (interest,) = [one.json()["id"] for one in made if one.is_success]
    decided = await asyncio.gather(
        *(
            act(scholar, interest, Action.ACCEPT if number % 2 else Action.DECLINE)
            for number in range(20)
        )
    )
    assert sorted(one.status_code for one in decided) == [200] + [409] * 19
    (winner,) = [one.json() for one in decided if one.is_success]
    assert (winner["introduction_id"] is not None) == (winner["state"] == "accepted")
    assert len(await inbox(buyer)) == 1
    # What is decided is no longer in the way of another.
    assert (await express(buyer, "achievement", achievement_id=achievement)).is_success


async def test_who_has_an_anonymous_demand_is_named_when_it_is_accepted(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    auditor: httpx.AsyncClient,
    achievement: str,
) -> None:
    """The enterprise is the owner of the demand, or it comes from it: hidden in both cases."""
    async with service.runtime.database.write() as session:
        await session.execute(update(User).values(email=User.name + "@example.cn"))
    for subject in ("demand", "achievement"):
        demand = await publish(buyer, "demand", service.enterprise, f"匿名需求 {subject}")
        await make_anonymous(service, demand)
        await check_anonymity(service, scholar, buyer, auditor, achievement, demand, subject)


async def check_anonymity(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    auditor: httpx.AsyncClient,
    achievement: str,
    demand: str,
    subject: str,
) -> None:
    sender, owner = (scholar, buyer) if subject == "demand" else (buyer, scholar)
    made = await express(sender, subject, achievement_id=achievement, demand_id=demand)
    path, interest = made.headers["Location"], made.json()["id"]
    await act(owner, interest, Action.ASK)
    await act(sender, interest, Action.ANSWER)
    hidden = ("锦城机电", str(service.enterprise), "buyer")
    side, other = ("owner", "sender") if subject == "demand" else ("sender", "owner")

    seen = (await scholar.get(path)).json()
    assert seen["owner" if subject == "demand" else "organization"] is None
    assert {one["organization"] is None for one in seen["messages"] if one["side"] == side} == {
        True
    }
    assert {one["organization"]["name"] for one in seen["messages"] if one["side"] == other} == {
        "蜀江大学"
    }
    listed = await scholar.get(f"/v1/interests?demand_id={demand}")
    told = [seen, listed.json(), await inbox(scholar)]
    text = json.dumps(told, ensure_ascii=False) + await mails(service, "scholar@example.cn")
    assert not [one for one in hidden if one in text]
    assert "某单位（暂不具名）" in text
    # Nor can one ask for whose it is.
    asked = await scholar.get(f"/v1/interests?organization_id={service.enterprise}")
    assert asked.status_code == 403
    # It is named to its own people and to those who see everything, and the other is to it.
    for client in (buyer, auditor):
        named = (await client.get(path)).json()
        assert {named["owner"]["name"], named["organization"]["name"]} == {
            "蜀江大学",
            "锦城机电有限公司",
        }
    assert "蜀江大学" in json.dumps(await inbox(buyer), ensure_ascii=False)

    accepted = await act(owner, interest, Action.ACCEPT)
    seen = (await scholar.get(path)).json()
    assert "锦城机电有限公司" in (seen["owner"]["name"], seen["organization"]["name"])
    assert None not in [one["organization"] for one in seen["messages"]]
    met = (await scholar.get(f"/v1/introductions/{accepted.json()['introduction_id']}")).json()
    assert met["demand"]["organization"]["name"] == "锦城机电有限公司"
    async with service.runtime.database.write() as session:  # before the next subject
        await session.execute(delete(Notice))
        await session.execute(delete(Mail))


async def mails(service: Service, recipient: str) -> str:
    async with service.runtime.database.read() as session:
        found = await session.scalars(select(Mail).where(Mail.recipient == recipient))
        return "\n".join(f"{one.subject}\n{one.text}" for one in found)


async def test_declines_feed_back_and_statistics_tell_how_interests_fare(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    auditor: httpx.AsyncClient,
    achievement: str,
    demand: str,
) -> None:
    pair = {"achievement_id": achievement, "demand_id": demand}
    start = datetime(2026, 11, 24, 8, tzinfo=UTC)
    reasons = ["too_early", "no_capacity", None]
    for days, reason in enumerate(reasons, 1):
        with time_machine.travel(start, tick=False):
            token = await service.token("buyer")
            async with service.client(token) as client:
                # One without a pair says nothing of a pair.
                made = await express(
                    client, "achievement", **(pair if reason else {"achievement_id": achievement})
                )
        with time_machine.travel(start + timedelta(days=days), tick=False):
            path = f"/v1/interests/{made.json()['id']}"
            async with service.client(await service.token("scholar")) as client:
                if reason is not None:
                    body = {"reason": reason, "message": "抱歉。"}
                    declined = await client.post(
                        f"{path}/decline", json=body, headers={"If-Match": '"1"'}
                    )
                    assert declined.json()["messages"][-1]["text"] == "抱歉。"
                else:
                    await act(client, made.json()["id"], Action.ASK)
    await act(buyer, made.json()["id"], Action.WITHDRAW)
    async with service.runtime.database.read() as session:
        (said,) = await session.scalars(select(MatchFeedback))
    assert (said.verdict, said.reasons) == ("wrong", ["too_early"])

    async def statistics(client: httpx.AsyncClient, owner: uuid.UUID) -> httpx.Response:
        return await client.get(f"/v1/statistics/interests?organization_id={owner}")

    received = (await statistics(scholar, service.university)).json()["received"]
    assert {one: n for one, n in received["states"].items() if n} == {
        "declined": 2,
        "withdrawn": 1,
    }
    assert {one: n for one, n in received["declined"].items() if n} == {
        "too_early": 1,
        "no_capacity": 1,
    }
    assert received["days_to_answer"] == 2
    for client in (buyer, auditor):
        assert (await statistics(client, service.enterprise)).json()["sent"] == received
    assert (await statistics(buyer, service.university)).status_code == 403
