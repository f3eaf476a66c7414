"""The inbox: what happened and what waits, in one's language, by mail where one wants it."""

import asyncio
import uuid

import httpx
from sqlalchemy import select

from conftest import PASSWORD, Service
from kechuangtong.accounts.permissions import Role
from kechuangtong.accounts.service import create_user
from kechuangtong.inbox.service import notify
from kechuangtong.inbox.texts import TITLES, sentence
from kechuangtong.interests.states import Action
from kechuangtong.models import Event, Mail
from kechuangtong.models.notice import NoticeKind
from test_interests import act, express, publish


async def test_what_happens_is_told_and_waits_until_it_is_done(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    async with service.runtime.database.write() as session:
        for name, wants in (("reader", True), ("quiet", False)):
            made = await create_user(
                session,
                name=name,
                password=PASSWORD,
                email=f"{name}@example.cn",
                organization_id=service.university,
                role=Role.MEMBER,
            )
            made.mail_news = wants
    achievement = await publish(scholar, "achievement", service.university, "除湿{机}组")
    made = await express(buyer, "achievement", achievement_id=achievement)
    interest = made.json()["id"]

    async def waiting(client: httpx.AsyncClient) -> list[str]:
        answer = await client.get("/v1/inbox?waiting=true")
        return [one["kind"] for one in answer.json()["items"]]

    (told,) = (await scholar.get("/v1/inbox")).json()["items"]
    assert told["text"] == "锦城机电有限公司对“除湿{机}组”提出对接意向，请接受、提问或谢绝。"
    assert told["link"] == f"/v1/interests/{interest}"
    assert (await scholar.get(told["link"])).json()["id"] == interest
    english = await scholar.get("/v1/inbox", headers={"Accept-Language": "en"})
    assert english.json()["items"][0]["title"] == "An interest was expressed"
    assert "is interested in" in english.json()["items"][0]["text"]
    async with service.runtime.database.read() as session:
        (mail,) = await session.scalars(select(Mail))
    assert mail.recipient == "reader@example.cn"
    assert mail.subject.startswith("收到对接意向：除湿{机}组 / An interest was expressed")
    assert mail.text is not None
    assert f"需要贵单位处理：{{public_url}}/interests/{interest}" in mail.text

    for action, of_owner, of_sender in (
        (None, ["interest_expressed"], []),
        (Action.ASK, [], ["interest_asked"]),
        (Action.ANSWER, ["interest_answered"], []),
        (Action.ACCEPT, [], []),
    ):
        if action is not None:
            await act(buyer if action is Action.ANSWER else scholar, interest, action)
        assert (await waiting(scholar), await waiting(buyer)) == (of_owner, of_sender), action
    (accepted, asked) = (await buyer.get("/v1/inbox")).json()["items"]
    assert (accepted["kind"], asked["kind"]) == ("interest_accepted", "interest_asked")
    assert (await buyer.get(accepted["link"])).json()["interest_id"] == interest

    # Reading is for all of an organization's people, and for nobody else.
    notice = f"/v1/inbox/{accepted['id']}/read"
    assert (await scholar.post(notice)).status_code == 404
    first = await buyer.post(notice)
    assert first.json()["read_at"] is not None
    assert (await buyer.post(notice)).json() == first.json()
    unread = (await buyer.get("/v1/inbox?unread=true")).json()["items"]
    assert [one["id"] for one in unread] == [asked["id"]]
    whose = {"organization_id": str(service.university)}
    assert (await buyer.post("/v1/inbox/read-all", json=whose)).status_code == 403
    assert (await buyer.get("/v1/inbox", params=whose)).status_code == 403
    assert (await admin.post("/v1/inbox/read-all", json={})).json() == {"read": 0}
    assert (await buyer.post("/v1/inbox/read-all", json={})).json() == {"read": 1}
    assert (await buyer.get("/v1/inbox?unread=true")).json()["items"] == []
    assert len((await scholar.get("/v1/inbox?unread=true", params=whose)).json()["items"]) == 2
    page = await scholar.get("/v1/inbox?limit=1")
    assert len((await scholar.get(page.links["next"]["url"])).json()["items"]) == 1
    async with service.runtime.database.read() as session:
        read = await session.scalars(select(Event.after).where(Event.action == "inbox.read"))
        assert list(read) == [{"notices": 1}, {"notices": 1}]


async def test_the_same_is_told_once_also_at_once_and_every_kind_has_its_words(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    async def tell() -> bool:
        async with service.runtime.database.write() as session:
            return await notify(
                session,
                service.university,
                NoticeKind.LISTING_EXPIRING,
                subject_kind="achievement",
                subject_id=uuid.uuid4(),
                title="成果",
                key="the same",
                valid_until="2026-12-31",
            )

    told = await asyncio.gather(*(tell() for _ in range(8)))
    assert sorted(told) == [False] * 7 + [True]
    assert len((await scholar.get("/v1/inbox")).json()["items"]) == 1
    data = {"title": "名称", "organization": None, "count": 2, "titles": ["甲", "乙"]}
    data |= {"gone": 1, "valid_until": "2026-12-31", "comment": "请补充检测报告。"}
    data |= {"when": "2026-12-31 09:00", "fee": "450.00", "event": "deal.created"}
    data |= {"broker": "苏明溪", "amount": "900000.00"}
    data["reasons"] = ["incomplete", "rights_unclear"]
    for kind in NoticeKind:
        assert all(TITLES[kind])
        for text in sentence(kind, data):
            assert "名称" in text
            assert "{" not in text
    assert "甲、乙" in sentence(NoticeKind.SEARCH_ALERT, data).zh
    returned = sentence(NoticeKind.REVIEW_RETURNED, data)
    assert returned.zh == "“名称”被退回（内容不完整、权属不清），请修改后重新提交。请补充检测报告。"
    assert "(incomplete, the rights are unclear)" in returned.en
