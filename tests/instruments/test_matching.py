"""Instruments in the search index, and matched with demands that need testing or computing."""

import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from booking import ANY
from conftest import Service
from instruments.conftest import Publish
from kechuangtong.core.clock import CITY, now
from kechuangtong.core.trade import IndexKind
from kechuangtong.matching.instruments.asking import done_by, need_of
from kechuangtong.models import IndexMark, Instrument, Profile, TermCount
from kechuangtong.search.indexing import repair
from waiting import until


async def indexed(service: Service) -> None:
    """Return when the index has taken in all that is marked."""

    async def done() -> bool:
        async with service.runtime.database.read() as session:
            return not await session.scalar(select(func.count()).select_from(IndexMark))

    await until(done)


async def found(client: httpx.AsyncClient, q: str = "", **wanted: Any) -> list[str]:
    asked = {"kind": "instrument", "q": q, **wanted}
    answer = (await client.get("/v1/search", params=asked)).raise_for_status().json()
    return sorted(one["instrument"]["name"] for one in answer["items"])


async def test_instruments_are_searched_and_every_change_reaches_the_index(
    service: Service,
    publish: Publish,
    anyone: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    admin: httpx.AsyncClient,
) -> None:
    microscope = await publish(
        "场发射透射电镜",
        class_code="010101",
        model="JEM-示例 200",
        functions="材料显微组织和<元素>分布",
        place="四川省成都市",
        contact={"name": "蒲老师"},
    )
    await publish("疲劳試驗機", class_code="020101", share_mode="internal", place="重庆市")
    draft = {"organization_id": str(service.university), "name": "未发布的透射电镜"}
    (await scholar.post("/v1/instruments", json=draft)).raise_for_status()
    await indexed(service)

    assert await found(anyone, "电镜") == ["场发射透射电镜"]
    assert await found(anyone, "疲劳试验机") == ["疲劳試驗機"]
    assert await found(anyone, "电子光学仪器 jem") == ["场发射透射电镜"]  # its class and model
    assert await found(anyone, "重慶") == ["疲劳試驗機"]
    assert await found(anyone, **{"class": "01"}) == ["场发射透射电镜"]
    assert await found(anyone, share_mode="internal", place="重庆市") == ["疲劳試驗機"]
    assert await found(anyone, organization_id=str(service.enterprise)) == []
    path = "/v1/search?kind=instrument&sort=newest&limit=1&facet=class&facet=share_mode"
    page = await anyone.get(path)
    assert {one["value"]: one["count"] for one in page.json()["facets"]["class"]}["01"] == 1
    assert page.json()["total"] == 2
    following = (await anyone.get(page.links["next"]["url"])).json()
    assert [one["instrument"]["id"] for one in following["items"]] == [microscope]
    (item,) = (await anyone.get("/v1/search?kind=instrument&q=元素")).json()["items"]
    assert item["highlights"]["description"] == "材料显微组织和&lt;<em>元素</em>&gt;分布"
    assert item["instrument"]["contact"] is None
    for wrong in ("kind=instrument&stage=pilot", "kind=instrument&facet=field", "class=01"):
        refused = await anyone.get(f"/v1/search?{wrong}")
        assert refused.status_code == 422, wrong
        assert refused.json()["errors"][0]["loc"] == ["query"]
    assert (await anyone.get("/search?kind=instrument&q=电镜&stage=pilot")).status_code == 200

    # Words of instruments are not counted among those of the lists.
    async with service.runtime.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Profile)) == 2
        assert await session.scalar(select(func.sum(TermCount.documents))) is None
    status = (await anyone.get("/v1/status")).json()
    assert (status["matchable"], status["index"]["documents"]["instrument"]) == (0, 2)

    renamed = {"name": "蜀江理工大学"}
    organization = f"/v1/organizations/{service.university}"
    (await admin.patch(organization, json=renamed, headers=ANY)).raise_for_status()
    patched = await scholar.patch(
        f"/v1/instruments/{microscope}", json={"services": "冷冻制样"}, headers=ANY
    )
    patched.raise_for_status()
    await indexed(service)
    assert await found(anyone, "理工大学") == ["场发射透射电镜", "疲劳試驗機"]
    assert await found(anyone, "冷冻制样") == ["场发射透射电镜"]
    assert await repair(service.runtime) == 0
    (await scholar.post(f"/v1/instruments/{microscope}/withdraw", headers=ANY)).raise_for_status()
    assert await found(anyone, "电镜") == []  # also before the index knows it
    await indexed(service)
    assert await service.runtime.index.count(IndexKind.INSTRUMENT) == 1
    async with service.runtime.database.write() as session:
        of_name = select(Instrument).where(Instrument.name == "疲劳試驗機")
        unmarked = await session.scalar(of_name)
        assert unmarked is not None
        unmarked.name = "改了名的试验机"
    assert await repair(service.runtime) == 1
    assert await found(anyone, "改了名") == ["改了名的试验机"]


@pytest.mark.parametrize(
    ("text", "words", "tests"),
    [
        ("委託檢測斷口形貌", {"检测"}, {"microscopy"}),
        ("请分析铝合金的晶体结构", {"分析"}, {"structure"}),
        ("分析市场需求", set(), set()),
        ("采购在线检测设备和测试系统", set(), set()),
        ("在检测设备上做疲劳试验", {"试验"}, {"mechanical"}),
        ("SEM testing of fracture surfaces", {"testing"}, {"microscopy"}),
        ("A system for the semester", set(), set()),
        ("深度学习训练需要 2000 卡时算力", {"卡时", "算力", "训练"}, {"computing"}),
        ("显微结构稳定的合金", set(), set()),
    ],
)
def test_which_words_ask_for_a_test(text: str, words: set[str], tests: set[str]) -> None:
    need = need_of([text, None])
    assert (set(need.words), {one.code for one in need.tests}) == (words, tests)
    assert need.asked is bool(words)


def test_what_an_instrument_does_is_in_its_texts_its_class_or_its_kind() -> None:
    def codes(text: str, class_code: str | None = None, kind: str = "instrument") -> set[str]:
        return {one.code for one in done_by([text], class_code, kind)}

    assert codes("高低溫試驗箱") == {"reliability"}
    assert codes("某仪器", "010301") == {"structure"}
    assert codes("卡池", kind="computing_resource") == {"computing"}
    assert codes("某仪器") == set()


async def publish_demand(client: httpx.AsyncClient, owner: uuid.UUID, **values: object) -> str:
    made = await client.post("/v1/demands", json={"organization_id": str(owner), **values})
    path = made.raise_for_status().headers["Location"]
    (await client.post(f"{path}/publish", headers=ANY)).raise_for_status()
    return str(made.json()["id"])


async def test_a_demand_for_tests_and_the_instruments_for_it_find_each_other(
    service: Service,
    publish: Publish,
    anyone: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
) -> None:
    values = {
        "functions": "显微组织和断口形貌分析",
        "place": "四川省成都市",
        "class_code": "010101",
    }
    microscope = await publish("透射电镜", **values)
    broken = await publish("扫描电镜", status="awaiting_repair", **{**values, "place": "北京市"})
    inner = await publish("金相显微镜", share_mode="internal", **values)
    await publish("离心机", functions="样品分离")
    price = {"user_class": "enterprise", "valid_from": "2035-01-01", "amount": "900.00"}
    path = f"/v1/instruments/{microscope}/prices"
    (await scholar.post(path, json=price)).raise_for_status()
    today = {**price, "valid_from": str(now().astimezone(CITY).date()), "amount": "850.00"}
    (await scholar.post(path, json=today)).raise_for_status()
    text = "零件疲劳断裂，委托檢測断口形貌和显微组织，并做盐雾试验。"
    demand = await publish_demand(
        buyer,
        service.enterprise,
        title="断裂件的失效分析",
        description=text,
        place="四川省成都市",
        anonymous=True,
    )
    other = await publish_demand(buyer, service.enterprise, title="求购显微镜镜头")
    await indexed(service)

    path = f"/v1/demands/{demand}/instruments"
    answer = (await buyer.get(path)).raise_for_status().json()
    need = answer["need"]
    assert need["asked"]
    assert {one["code"] for one in need["tests"]} == {"microscopy", "reliability"}
    word = next(one for one in need["words"] if one["term"] == "检测")
    assert text[word["start"] : word["end"]] == "檢測"
    items = {one["instrument"]["id"]: one for one in answer["items"]}
    assert next(iter(items)) == microscope
    assert items.keys() == {microscope, broken, inner}
    assert items[microscope]["score"] > items[broken]["score"]
    best = {one["code"]: one for one in items[microscope]["reasons"]["for"]}
    assert best.keys() == {"tests_done", "shared_terms", "same_city", "shared", "priced", "free"}
    assert best["priced"]["data"] == {"user_class": "enterprise", "price": "850.00", "unit": "hour"}
    shared = next(one for one in best["shared_terms"]["data"]["terms"] if one["term"] == "断口")
    assert values["functions"][shared["instrument"]["start"] :].startswith("断口")
    assert shared["demand"]["field"] == "description"
    assert items[microscope]["free"] is not None
    assert {one["code"] for one in items[microscope]["reasons"]["against"]} == {"tests_missing"}
    against = {one["code"]: one["text"] for one in items[broken]["reasons"]["against"]}
    assert {"does_not_run", "other_province", "no_price"} <= against.keys()
    assert against["does_not_run"].startswith("待修")
    closed = {one["code"] for one in items[inner]["reasons"]["against"]}
    assert "not_shared" in closed
    assert "not_free" not in closed
    english = await scholar.get(path, headers={"Accept-Language": "en"})
    own = {one["instrument"]["id"]: one for one in english.json()["items"]}[inner]
    assert "Shared within your own house" in [one["text"] for one in own["reasons"]["for"]]
    chosen = (
        await anyone.get(path, params={"class": "0101", "limit": 1, "place": "北京市"})
    ).json()
    assert [one["instrument"]["id"] for one in chosen["items"]] == [broken]

    nothing = (await anyone.get(f"/v1/demands/{other}/instruments")).json()
    assert (nothing["need"]["asked"], nothing["items"]) == (False, [])
    assert nothing["notice"]

    # Whose an anonymous demand is, nothing tells but to its own people.
    path = f"/v1/instruments/{microscope}/demands"
    for client, owner in ((anyone, None), (scholar, None), (buyer, "锦城机电有限公司")):
        told = await client.get(path)
        (item,) = told.raise_for_status().json()["items"]
        assert item["demand"]["id"] == demand
        assert (item["demand"]["organization"] or {}).get("name") == owner
        assert ("锦城机电" in told.text) is (owner is not None)
        assert "tests_done" in [one["code"] for one in item["reasons"]["for"]]
        assert "priced" not in told.text
    for path in (f"/v1/demands/{demand}/instruments", f"/demands/{demand}"):
        assert "锦城机电" not in (await anyone.get(path)).text
    assert "断裂件的失效分析" in (await anyone.get(f"/instruments/{microscope}")).text
    assert "透射电镜" in (await anyone.get(f"/demands/{demand}")).text

    (await buyer.post(f"/v1/demands/{demand}/withdraw", headers=ANY)).raise_for_status()
    (await scholar.post(f"/v1/instruments/{inner}/withdraw", headers=ANY)).raise_for_status()
    gone = (await anyone.get(f"/v1/instruments/{microscope}/demands")).json()
    assert (gone["items"], bool(gone["notice"])) == ([], True)
    assert (await anyone.get(f"/v1/demands/{demand}/instruments")).status_code == 404
    assert (await anyone.get(f"/v1/instruments/{inner}/demands")).status_code == 404
    mine = (await buyer.get(f"/v1/demands/{demand}/instruments")).json()
    assert {one["instrument"]["id"] for one in mine["items"]} == {microscope, broken}
