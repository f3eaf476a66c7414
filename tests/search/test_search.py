"""Searching over HTTP: marks, facets, filters, pages, and limits."""

import httpx
import pytest

from conftest import Service
from waiting import until


@pytest.fixture
async def listed(service: Service, scholar: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Five published achievements that the index has taken in."""
    for number, (title, values) in enumerate(
        [
            ("石墨烯导热膜的卷对卷制备", {"field": "新材料", "description": "㎡级<石墨烯>薄膜"}),
            ("雷達信號處理平台", {"field": "电子信息", "place": "四川省成都市"}),
            ("Graphene heat spreader", {"field": "新材料", "stage": "pilot"}),
            ("在建工程质量监测", {"field": "建筑", "valid_until": "2020-01-01"}),
            ("耐火砖", {"keywords": ["石墨烯"]}),
        ]
    ):
        body = {"organization_id": str(service.university), "title": title, "number": f"N{number}"}
        made = await scholar.post("/v1/achievements", json={**body, **values, "valid_until": None})
        published = await scholar.post(
            f"{made.headers['Location']}/publish", headers={"If-Match": made.headers["ETag"]}
        )
        if until_date := values.get("valid_until"):
            await scholar.patch(
                made.headers["Location"],
                json={"valid_until": until_date},
                headers={"If-Match": published.headers["ETag"]},
            )

    async def indexed() -> bool:
        status = (await anyone.get("/v1/status")).json()["index"]
        return status["documents"]["achievement"] == 5 and status["words_left"] == 0

    await until(indexed)


@pytest.mark.usefixtures("listed")
async def test_what_was_found_is_marked_in_the_text_as_typed(anyone: httpx.AsyncClient) -> None:
    answer = (await anyone.get("/v1/search", params={"q": "石墨烯 薄膜"})).json()
    (item,) = answer["items"]
    assert item["highlights"]["title"] == "<em>石墨烯</em>导热膜的卷对卷制备"
    assert item["highlights"]["description"] == "㎡级&lt;<em>石墨烯</em>&gt;<em>薄膜</em>"
    (item,) = (await anyone.get("/v1/search", params={"q": "雷达信号"})).json()["items"]
    assert item["highlights"]["title"] == "<em>雷達信號</em>處理平台"


@pytest.mark.usefixtures("listed")
async def test_facets_filters_and_pages(
    anyone: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    answer = (await anyone.get("/v1/search?facet=field&facet=stage&limit=2")).json()
    assert answer["total"] == 4  # one is past its date
    assert answer["facets"]["field"][0] == {"value": "新材料", "count": 2}
    # What has expired is its own people's to find.
    for client, total in ((anyone, 4), (scholar, 5)):
        everything = (await client.get("/v1/search?include_expired=true")).json()
        assert (everything["total"], len(everything["items"])) == (total, total)
    chosen = (await anyone.get("/v1/search?q=石墨烯&field=新材料&stage=pilot")).json()
    assert chosen["total"] == 0
    titles: list[str] = []
    path: str | None = "/v1/search?limit=1&sort=newest"
    while path is not None:
        page = await anyone.get(path)
        titles += [one["achievement"]["title"] for one in page.json()["items"]]
        path = page.links["next"]["url"] if "next" in page.links else None
    assert titles == [
        "耐火砖",
        "Graphene heat spreader",
        "雷達信號處理平台",
        "石墨烯导热膜的卷对卷制备",
    ]


@pytest.mark.usefixtures("listed")
async def test_only_words_that_mean_something_find_something(anyone: httpx.AsyncClient) -> None:
    assert (await anyone.get("/v1/search", params={"q": '"-"'})).json()["total"] == 0
    assert (await anyone.get("/v1/search", params={"q": "grapheme"})).json()["total"] == 1


async def test_limits_are_told(anyone: httpx.AsyncClient) -> None:
    long = await anyone.get("/v1/search", params={"q": "长" * 2_001})
    assert (long.status_code, long.json()["code"]) == (422, "query_too_long")
    assert (await anyone.get("/v1/search?cursor=nonsense")).status_code == 422
    assert (await anyone.get("/v1/search?facet=nonsense")).status_code == 422
    assert (await anyone.get("/v1/search?limit=0")).status_code == 422
