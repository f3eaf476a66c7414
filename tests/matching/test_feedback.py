"""What people say of matches: kept once a person and pair, counted, exported to train on."""

import asyncio
import json
from pathlib import Path

import httpx

from conftest import Service
from kechuangtong.matching import feedback
from kechuangtong.matching.graded import read_folder


async def pair(service: Service, admin: httpx.AsyncClient) -> tuple[str, str]:
    """A published demand and a published achievement."""
    made = []
    for path, owner, title in (
        ("/v1/demands", service.enterprise, "烘房除湿"),
        ("/v1/achievements", service.university, "余热除湿机组"),
    ):
        one = await admin.post(path, json={"organization_id": str(owner), "title": title})
        tag = {"If-Match": one.headers["ETag"]}
        await admin.post(f"{one.headers['Location']}/publish", headers=tag)
        made.append(one.json()["id"])
    return made[0], made[1]


async def test_feedback_is_kept_counted_and_exported(
    service: Service,
    admin: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    tmp_path: Path,
) -> None:
    demand, achievement = await pair(service, admin)
    body = {"demand_id": demand, "achievement_id": achievement}
    useful = await scholar.post("/v1/matches/feedback", json={**body, "verdict": "useful"})
    assert useful.status_code == 201
    assert useful.json()["grade"] in (1, 2, 3, 4)
    wrong = {**body, "verdict": "wrong", "reasons": ["too_dear", "other_problem"]}
    first = await buyer.post("/v1/matches/feedback", json={**wrong, "reasons": []})
    again = await buyer.post("/v1/matches/feedback", json=wrong)
    assert first.json()["id"] == again.json()["id"]

    counted = (await scholar.get("/v1/statistics")).json()
    assert counted["feedback"]["verdicts"] == {"useful": 1, "wrong": 1}
    assert counted["feedback"]["reasons"]["too_dear"] == 1
    assert (counted["achievements"], counted["demands"]) == (1, 1)

    async with service.runtime.database.read() as session:
        assert await feedback.export(session, tmp_path / "out") == 1
    folder = read_folder(tmp_path / "out")
    # 4 for useful and 2 for the lower of the two reasons: the lower middle of both.
    assert folder.grades == {demand: {achievement: 2}}
    line = (tmp_path / "out" / "achievements.jsonl").read_text(encoding="utf-8")
    assert json.loads(line)["title"] == "余热除湿机组"


async def test_feedback_needs_a_person_and_a_pair(
    service: Service, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    demand, achievement = await pair(service, admin)
    body = {"demand_id": demand, "achievement_id": achievement, "verdict": "useful"}
    assert (await anyone.post("/v1/matches/feedback", json=body)).status_code == 401
    unknown = await admin.post("/v1/matches/feedback", json={**body, "demand_id": achievement})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "pair_not_found")
    assert unknown.json()["errors"][0]["loc"] == ["body", "demand_id"]
    odd = await admin.post("/v1/matches/feedback", json={**body, "reasons": ["dislike"]})
    assert odd.status_code == 422


async def test_feedback_given_many_times_at_once_is_kept_once(
    service: Service, admin: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    demand, achievement = await pair(service, admin)
    body = {"demand_id": demand, "achievement_id": achievement, "verdict": "wrong"}
    body["reasons"] = ["too_far", "too_far"]
    answers = await asyncio.gather(
        *(scholar.post("/v1/matches/feedback", json=body) for _ in range(12))
    )
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 1
    counted = (await scholar.get("/v1/statistics")).json()
    assert counted["feedback"]["reasons"]["too_far"] == 1
