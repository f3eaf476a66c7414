"""Registration: asked for by anyone, decided by the district's reviewers, one organization a code."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from conftest import Service
from kechuangtong.models import Event, Mail, Notice
from people import change, reviewer, signed_in

CODE = "91510100MA6CGUTY07"
BODY = {
    "name": "成都锦里智造有限公司",
    "kind": "enterprise",
    "code": CODE,
    "place": "四川省成都市锦江区",
    "proof": "营业执照由锦江区核发。",
}
USER = {"name": "li", "password": "a long enough one", "email": "li@example.org"}


async def review_of(client: httpx.AsyncClient, registration: dict[str, Any]) -> dict[str, Any]:
    """The open review of a registration."""
    found = await client.get(
        "/v1/reviews", params={"subject_id": registration["id"], "state": "open"}
    )
    (one,) = found.json()["items"]
    return one


async def test_a_registration_is_returned_changed_and_approved(
    service: Service, anyone: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    made = await anyone.post("/v1/registrations", json={**BODY, "user": USER})
    assert (made.status_code, made.json()["state"]) == (201, "open")
    path = made.headers["Location"]
    form = {"username": USER["name"], "password": USER["password"]}
    token = (await anyone.post("/v1/auth/token", data=form)).json()["access_token"]
    applicant = service.client(token)
    # The applicant sees its registration and nothing more.
    assert (await applicant.get(path)).json() == made.json()
    listed = (await applicant.get("/v1/registrations")).json()["items"]
    assert [one["id"] for one in listed] == [made.json()["id"]]
    assert (await applicant.get("/v1/auth/me")).json()["organization_ids"] == []
    assert (await applicant.get("/v1/reviews")).status_code == 403
    assert (await buyer.get(path)).status_code == 404
    assert (await buyer.get("/v1/registrations")).json()["items"] == []
    assert (await anyone.get(path)).status_code == 401

    here = await reviewer(service, "jinjiang", "锦江区")
    elsewhere = await reviewer(service, "wuhou", "武侯区")
    review = await review_of(here, made.json())
    review_path = f"/v1/reviews/{review['id']}"
    assert (await elsewhere.get("/v1/reviews")).json()["items"] == []
    assert (await elsewhere.get(review_path)).status_code == 404
    assert (await change(elsewhere, f"{review_path}/approve")).status_code == 404
    assert (await elsewhere.get(path)).status_code == 404
    seen = (await here.get(review_path)).json()["registration"]
    assert (seen["applicant"], seen["email"]) == ("li", USER["email"])
    assert (seen["registered_as"], seen["same_code"]) == (None, [])

    for body in ({"reasons": []}, {"reasons": ["bad"]}, {}):
        refused = await change(here, f"{review_path}/return", body)
        assert (refused.status_code, refused.json()["errors"][0]["loc"][:2]) == (
            422,
            ["body", "reasons"],
        )
    body = {"reasons": ["proof_insufficient"], "comment": "请附授权书。"}
    returned = await change(here, f"{review_path}/return", body)
    assert returned.json()["state"] == "returned"
    shown = await applicant.get(path)
    assert (shown.json()["state"], shown.json()["reasons"]) == ("returned", body["reasons"])
    assert shown.json()["comment"] == body["comment"]
    again = await change(here, f"{review_path}/approve")
    assert (again.status_code, again.json()["code"]) == (409, "review_decided")

    stale = await applicant.patch(path, json={"proof": "x"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await change(here, path, {"proof": "x"}, "PATCH")).status_code == 403
    changed = await applicant.patch(
        path, json={"proof": "授权书 2026-018"}, headers={"If-Match": shown.headers["ETag"]}
    )
    assert (changed.json()["state"], changed.json()["reasons"]) == ("open", [])
    second = await review_of(here, made.json())
    assert second["id"] != review["id"]
    # A change while it is in review must be read before it is decided.
    await change(applicant, path, {"name": "成都锦里智造股份有限公司"}, "PATCH")
    review_path = f"/v1/reviews/{second['id']}"
    stale = await here.post(f"{review_path}/approve", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    approved = await change(here, f"{review_path}/approve")
    assert approved.json()["state"] == "approved"
    organization_id = (await applicant.get(path)).json()["organization_id"]
    organization = (await applicant.get(f"/v1/organizations/{organization_id}")).json()
    assert (organization["name"], organization["code"]) == ("成都锦里智造股份有限公司", CODE)
    assert (await applicant.get("/v1/auth/me")).json()["roles"] == {organization_id: "manager"}
    closed = await change(applicant, path, {"proof": "x"}, "PATCH")
    assert (closed.status_code, closed.json()["code"]) == (409, "registration_closed")
    async with service.runtime.database.read() as session:
        mails = (await session.scalars(select(Mail).order_by(Mail.id))).all()
        assert [one.recipient for one in mails] == [USER["email"]] * 2
        assert "证明材料不足" in (mails[0].text or "")
        assert "请附授权书" in (mails[0].text or "")
        assert "Sign in and change the registration" in (mails[0].text or "")
        notice = (await session.scalars(select(Notice))).one()
        assert (str(notice.organization_id), notice.kind) == (organization_id, "review_approved")
        # Where everyone of the organization can see it, the registration's applicant or not.
        assert (notice.subject_kind, str(notice.subject_id)) == ("organization", organization_id)
        events = list(await session.scalars(select(Event).order_by(Event.id)))
    changes = [one for one in events if one.action != "access.refused"]
    assert [one.action for one in changes if one.subject_kind == "registration"] == [
        f"registration.{what}" for what in ("created", "returned", "changed", "changed", "approved")
    ]
    assert [one.action for one in changes if one.subject_kind == "review"] == [
        f"review.{what}" for what in ("opened", "returned", "opened", "approved")
    ]
    assert all(USER["password"] not in str(one.after) for one in events)
    (joined,) = [one for one in events if one.action == "user.created" and one.address is not None]
    assert joined.actor_kind == "anonymous"


async def test_two_who_register_one_code_make_one_organization(service: Service) -> None:
    people = [await signed_in(service, f"p{number}") for number in range(2)]
    paths = []
    for number, person in enumerate(people):
        made = await person.post("/v1/registrations", json={**BODY, "name": f"名称{number}"})
        paths.append(made.headers["Location"])
    twice = await people[0].post("/v1/registrations", json=BODY)
    assert (twice.status_code, twice.json()["code"]) == (409, "registration_open")
    deciders = [await reviewer(service, f"r{number}") for number in range(2)]
    reviews = (await deciders[0].get("/v1/reviews?subject_kind=registration")).json()["items"]
    for one in reviews:
        seen = (await deciders[0].get(f"/v1/reviews/{one['id']}")).json()["registration"]
        assert [other["name"] for other in seen["same_code"]] == [
            f"名称{1 - int(one['title'][-1])}"
        ]
    # Both are approved at once, each by two: each is decided once, and one organization is made.
    answers = await asyncio.gather(
        *(
            change(decider, f"/v1/reviews/{one['id']}/approve")
            for one in reviews
            for decider in deciders
        )
    )
    assert sorted(one.status_code for one in answers) == [200, 200, 409, 409]
    organizations = (await deciders[0].get(f"/v1/organizations?code={CODE}")).json()["items"]
    assert len(organizations) == 1
    for person, path in zip(people, paths, strict=True):
        assert (await person.get(path)).json()["organization_id"] == organizations[0]["id"]
        mine = (await person.get("/v1/auth/me")).json()
        assert mine["roles"] == {organizations[0]["id"]: "manager"}

    # A third is told apart by the reviewer, and one's own is not one's to decide.
    third = await reviewer(service, "third")
    made = await third.post("/v1/registrations", json=BODY)
    (review,) = (await third.get("/v1/reviews?state=open")).json()["items"]
    seen = (await third.get(f"/v1/reviews/{review['id']}")).json()["registration"]
    assert seen["registered_as"]["id"] == organizations[0]["id"]
    own = await change(third, f"/v1/reviews/{review['id']}/approve")
    assert (own.status_code, own.json()["code"]) == (403, "own_review")
    withdrawn = await change(third, f"{made.headers['Location']}/withdraw")
    assert withdrawn.json()["state"] == "withdrawn"
    late = await change(deciders[0], f"/v1/reviews/{review['id']}/approve")
    assert (late.status_code, late.json()["code"]) == (409, "review_decided")


async def test_what_cannot_be_registered_is_told_with_its_place(
    anyone: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    taken, common = {"name": "admin"}, {"password": "Password123"}
    for client, body, code, place in (
        (anyone, BODY, "user_missing", ["body", "user"]),
        (scholar, {**BODY, "user": USER}, "signed_in_already", ["body", "user"]),
        (anyone, {**BODY, "user": {**USER, "password": "short"}}, None, ["body", "user"]),
        (anyone, {**BODY, "user": {**USER, "email": "nobody"}}, None, ["body", "user"]),
        (anyone, {**BODY, "user": USER | taken}, "user_exists", ["body", "user", "name"]),
        (anyone, {**BODY, "user": USER | common}, "password_common", ["body", "user", "password"]),
        (scholar, {**BODY, "code": "91510100MA6CGUTY08"}, None, ["body", "code"]),
        (scholar, {**BODY, "code": "91510100MA6CGUTX07"}, None, ["body", "code"]),
        (scholar, {**BODY, "proof": ""}, None, ["body", "proof"]),
        (scholar, {**BODY, "kind": "club"}, None, ["body", "kind"]),
        (scholar, {**BODY, "surprise": 1}, None, ["body", "surprise"]),
    ):
        answer = await client.post("/v1/registrations", json=body)
        assert answer.status_code == (409 if code == "user_exists" else 422), body
        assert answer.json()["code"] == (code or "validation_failed"), body
        assert answer.json()["errors"][0]["loc"][: len(place)] == place, body
    assert (await scholar.get("/v1/registrations")).json()["items"] == []


@pytest.mark.usefixtures("service")
async def test_placeholders_of_a_patch_are_not_values(scholar: httpx.AsyncClient) -> None:
    made = await scholar.post("/v1/registrations", json={**BODY, "kind": "institute"})
    path = made.headers["Location"]
    changed = await change(scholar, path, {"place": None}, "PATCH")
    assert {**changed.json(), "place": BODY["place"]} == {
        **made.json(),
        **{name: changed.json()[name] for name in ("version", "updated_at")},
    }
    assert (await change(scholar, path, {"name": None}, "PATCH")).status_code == 422
