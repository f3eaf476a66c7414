"""The change feed: a mirror that follows it has what the public sees, whatever the order of commits."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import time_machine

from conftest import Service
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.changes.service import note_expired
from kechuangtong.core.clock import today
from kechuangtong.demands.schemas import DemandCreate
from kechuangtong.demands.service import demands
from kechuangtong.models import Organization


async def publish(
    service: Service, title: str, *, started: asyncio.Event | None = None, **values: Any
) -> uuid.UUID:
    """Publish a demand of the enterprise, in a transaction that ends when it may."""
    async with service.runtime.database.write() as session:
        owner = await session.get_one(Organization, service.enterprise)
        body = DemandCreate(organization_id=owner.id, title=title, **values)
        change = demands.draft(owner, body)
        await demands.save(session, OPERATOR, [change])
        await demands.publish(
            session, OPERATOR, change.record.id, expected_versions=None, reviewed=False
        )
        if started is not None:
            await started.wait()
        return change.record.id


class Mirror:
    """What a program has that follows the feed."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.after: str | None = None
        self.has: dict[str, Any] = {}
        self.told: list[tuple[str, str]] = []

    async def follow(self, limit: int = 100) -> None:
        more = True
        while more:
            params = {"limit": limit} | ({"after": self.after} if self.after else {})
            answer = (await self.client.get("/v1/changes", params=params)).raise_for_status()
            for one in answer.json()["items"]:
                self.told.append((one["change"], one["id"]))
                if one["change"] == "gone":
                    assert one["record"] is None
                    self.has.pop(one["id"], None)
                else:
                    self.has[one["id"]] = one["record"]
            self.after, more = answer.json()["next_cursor"], answer.json()["more"]
            assert more == ("Link" in answer.headers)


async def listed(client: httpx.AsyncClient) -> dict[str, Any]:
    found = {}
    for name in ("achievements", "demands"):
        for one in (await client.get(f"/v1/{name}", params={"limit": 100})).json()["items"]:
            found[one["id"]] = one
    return found


async def test_a_mirror_has_what_the_public_sees(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    admin: httpx.AsyncClient,
) -> None:
    any_version = {"If-Match": "*"}
    mirror = Mirror(anyone)
    body = {
        "organization_id": str(service.university),
        "title": "石墨烯导热膜",
        "contact": {"phone": "028-1"},
    }
    path = (await scholar.post("/v1/achievements", json=body)).headers["Location"]
    await mirror.follow()
    assert mirror.told == []  # nobody is told of a draft
    await scholar.post(f"{path}/publish", headers=any_version)
    hidden = await publish(service, "除湿技术", anonymous=True, number="锦城-1")
    soon = await publish(service, "有期限的需求", valid_until=today() + timedelta(1))
    await mirror.follow(limit=1)
    assert len(mirror.told) == 3
    assert mirror.has == await listed(anyone)
    shown = mirror.has[str(hidden)]
    assert (shown["organization"], shown["number"]) == (None, None)

    # An organization's new name is seen with its records, but not with an anonymous one.
    before = len(mirror.told)
    for organization in (service.university, service.enterprise):
        renamed = await admin.patch(
            f"/v1/organizations/{organization}",
            json={"name": f"改名{organization}"},
            headers=any_version,
        )
        assert renamed.status_code == 200
    await scholar.patch(path, json={"field": "新材料"}, headers=any_version)
    await mirror.follow()
    assert sorted(mirror.told[before:]) == sorted(
        [("shown", path.rsplit("/", 1)[1]), ("shown", str(soon))]
    )
    assert mirror.has == await listed(anyone)

    # What is withdrawn or expires goes, once; what changes beside the public's sight is not told.
    before = len(mirror.told)
    await scholar.post(f"{path}/withdraw", headers=any_version)
    await scholar.patch(path, json={"field": "其他"}, headers=any_version)
    kept = mirror.after
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3), tick=True):
        assert await note_expired(service.runtime.database) == 1
        assert await note_expired(service.runtime.database) == 0
        await mirror.follow()
        assert sorted(mirror.told[before:]) == sorted(
            [("gone", path.rsplit("/", 1)[1]), ("gone", str(soon))]
        )
        assert mirror.has.keys() == {str(hidden)}
        anew = Mirror(anyone)
        await anew.follow()
        assert anew.has == mirror.has
    part = await anyone.get("/v1/changes", params={"after": kept, "kind": "achievement"})
    assert [one["kind"] for one in part.json()["items"]] == ["achievement"]

    for after in ("x", "W10", "WyItMSJd", "WyI5OTk5OTk5Il0", "WyJ4Il0"):
        refused = await anyone.get("/v1/changes", params={"after": after})
        assert (refused.status_code, refused.json()["code"]) == (422, "cursor_invalid"), after
        assert refused.json()["errors"][0]["loc"] == ["query", "after"]


async def test_what_is_committed_late_is_not_skipped(
    service: Service, anyone: httpx.AsyncClient
) -> None:
    mirror = Mirror(anyone)
    may_end = asyncio.Event()
    late = asyncio.create_task(publish(service, "先写后提交", started=may_end))
    await asyncio.sleep(0.3)  # it has written
    if service.runtime.settings.uses_sqlite:  # there one writer waits for the other
        may_end.set()
    early = await publish(service, "后写先提交")
    await mirror.follow()
    assert mirror.has.keys() >= {str(early)}
    may_end.set()
    late_id = await late
    await mirror.follow()
    assert mirror.has.keys() == {str(early), str(late_id)}

    # Many at once, some of them together, while the mirror reads.
    done = asyncio.Event()

    async def reading() -> None:
        while not done.is_set():
            await mirror.follow(limit=3)
            await asyncio.sleep(0)

    reader = asyncio.create_task(reading())
    published = await asyncio.gather(*(publish(service, f"并发{n}") for n in range(12)))
    done.set()
    await reader
    await mirror.follow()
    assert mirror.has.keys() == {str(one) for one in (early, late_id, *published)}
    assert len(mirror.told) == len(mirror.has)  # each once
