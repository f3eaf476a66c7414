"""Anonymous demands: whose they are is told to those with whom the enterprise meets, and no one
else, in no answer, header, file or index."""

import io
import itertools
import json
import re
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi.routing import iter_route_contexts

from conftest import PASSWORD, Service, running
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.accounts.service import create_user
from kechuangtong.core.identifiers import IdentifierError, check_uscc
from kechuangtong.core.trade import ListKind, OrganizationKind
from kechuangtong.demands.schemas import DemandCreate
from kechuangtong.demands.service import demands as demand_list
from kechuangtong.editions.service import freeze
from kechuangtong.lists import naming
from kechuangtong.matching import feedback
from kechuangtong.matching.router import matcher
from kechuangtong.matching.runs.whole import match_all, write_matches
from kechuangtong.models import Interest, Introduction
from kechuangtong.organizations.service import create_organization
from kechuangtong.pages.router import router as pages
from kechuangtong.search.indexing import catch_up
from kechuangtong.settings import Settings
from waiting import until

EXPORTED = Path(__file__).parents[1] / "openapi" / "openapi.json"
MANY = 100
TOPIC = "低温余热除湿"
# Characters that stand in no other text of these tests.
_ODD = "鑫淼磊犇羴猋骉鱻龘靐"


@dataclass(frozen=True)
class Hidden:
    """An enterprise whose name stands nowhere else, and its anonymous demand."""

    organization_id: uuid.UUID
    demand_id: uuid.UUID
    short: str
    code: str
    marks: tuple[bytes, ...]


def codes() -> Iterator[str]:
    """Valid codes of enterprises."""
    for number in range(10_000):
        for check in "0123456789ABCDEFGHJKLMNPQRTUWXY":
            for last in "0123456789X":
                try:
                    yield check_uscc(f"91510100{number:08d}{last}{check}")
                except IdentifierError:
                    continue


def in_bytes(text: str) -> set[bytes]:
    """A text as it may stand in an answer: plain, escaped in JSON, and in URLs and headers."""
    return {
        text.encode(),
        json.dumps(text)[1:-1].encode(),
        httpx.QueryParams({"q": text}).__str__()[2:].encode(),
    }


async def hidden_demands(service: Service, count: int) -> list[Hidden]:
    """Anonymous demands, published, each of an enterprise of its own."""
    found, fresh = [], codes()
    async with service.runtime.database.write() as session:
        for n in range(count):
            short = f"{_ODD[n // 10]}{_ODD[n % 10]}晖昶"
            code = next(fresh)
            owner = await create_organization(
                session,
                OPERATOR,
                name=f"{short}（集团）有限公司",
                kind=OrganizationKind.ENTERPRISE,
                code=code,
                place="四川省绵阳市",
            )
            values = DemandCreate(
                organization_id=owner.id,
                title=f"{TOPIC}技术第{n}项",
                description="烘干车间能耗高，希望利用工艺余热。",
                number=f"{short}-{n}",
                anonymous=True,
                place="四川省绵阳市",
                contact={"name": f"{short}联系人", "phone": "0816-0000000"},
            )
            change = demand_list.draft(owner, values)
            await demand_list.save(session, OPERATOR, [change])
            await demand_list.publish(
                session, OPERATOR, change.record.id, expected_versions=None, reviewed=False
            )
            marks = [short, owner.name, f"{short}(集团)有限公司", code, str(owner.id), owner.id.hex]
            told = tuple(sorted({one for mark in marks for one in in_bytes(mark)}))
            found.append(Hidden(owner.id, change.record.id, short, code, told))
    return found


async def introduce(service: Service, demand: Hidden, organization_id: uuid.UUID) -> None:
    """Let both sides have agreed to meet."""
    sides = {
        "demand_id": demand.demand_id,
        "organization_id": organization_id,
        "owner_id": demand.organization_id,
    }
    async with service.runtime.database.write() as session:
        interest = Interest(id=uuid.uuid4(), subject_kind=ListKind.DEMAND, **sides)
        session.add(interest)
        await session.flush()
        session.add(Introduction(interest_id=interest.id, **sides))


def whole(answer: httpx.Response) -> bytes:
    """All that a caller gets: the status's line, the headers and the body."""
    return b"\n".join([*(k + b": " + v for k, v in answer.headers.raw), answer.content])


def told_of(answers: Sequence[bytes], hidden: Sequence[Hidden]) -> list[Hidden]:
    """The enterprises that answers tell of."""
    together = b"\n".join(answers)
    return [one for one in hidden if any(mark in together for mark in one.marks)]


async def read_everything(
    client: httpx.AsyncClient, hidden: Sequence[Hidden], achievement: str, attachments: list[str]
) -> list[bytes]:
    """Every GET of the OpenAPI document that the caller may call, over every record; and the pages,
    over some."""
    document = json.loads(EXPORTED.read_text(encoding="utf-8"))  # and is current: test_openapi
    records = {
        "demand_id": [str(one.demand_id) for one in hidden],
        "achievement_id": [achievement],
        "attachment_id": attachments,
        "kind": ["achievements", "demands"],
        "number": ["1", "2"],
    }
    answers = []
    read = [path for path, item in document["paths"].items() if "get" in item]
    shown = [
        str(one.path) for one in iter_route_contexts(pages.routes) if "GET" in (one.methods or ())
    ]
    assert "/demands/{demand_id}" in shown
    for path in [*read, *shown]:
        where: str | None
        names = re.findall(r"{(\w+)}", path)
        ids = [records.get(name, [str(uuid.uuid4())]) for name in names]
        few = "matches" in path or path in shown
        for values in list(itertools.product(*ids))[: 5 if few else None]:
            where = path
            for name, value in zip(names, values, strict=True):
                where = where.replace("{" + name + "}", value)
            while where is not None:
                answer = await client.get(where)
                answers.append(whole(answer))
                assert answer.status_code < 500 or "attachment" in where, where
                where = answer.links.get("next", {}).get("url")
    return answers


async def ask_awkwardly(
    client: httpx.AsyncClient, hidden: Sequence[Hidden], achievement: str
) -> list[bytes]:
    """Searches, filters, facets, matches and refusals around the demands."""
    answers = [
        await client.get("/v1/demands", params={"sort": sort, "limit": 100})
        for sort in ("created_at", "-created_at", "updated_at", "-updated_at", "title", "-title")
    ]
    facets = ["field", "stage", "cooperation", "place", "organization_id"]
    for q in ("", TOPIC):
        params = {"q": q, "kind": "demand", "limit": 100, "facet": facets}
        answers.append(await client.get("/v1/search", params=params))
    answers.append(
        await client.get(f"/v1/achievements/{achievement}/matches", params={"limit": 100})
    )
    answers.append(await client.get("/search", params={"kind": "demand", "q": TOPIC}))
    text = {"text": f"{TOPIC}，利用工艺余热", "kind": "demand", "limit": 100}
    answers.append(await client.post("/v1/matches/search", json=text))
    for one in hidden[:20]:
        path = f"/v1/demands/{one.demand_id}"
        for method, where, body, headers in (
            ("PATCH", path, {"title": "别的"}, {"If-Match": '"1"'}),
            ("PATCH", path, {"title": "别的"}, {"If-Match": '"99"'}),
            ("PATCH", path, {"title": "别的"}, {}),
            ("PATCH", path, {"nothing": 1}, {"If-Match": "*"}),
            ("DELETE", path, None, {"If-Match": "*"}),
            ("POST", f"{path}/publish", None, {"If-Match": "*"}),
            ("POST", f"{path}/withdraw", None, {"If-Match": "*"}),
            (
                "POST",
                "/v1/demands",
                {"organization_id": str(one.organization_id), "title": TOPIC},
                {},
            ),
            (
                "PATCH",
                f"/v1/organizations/{one.organization_id}",
                {"place": "x"},
                {"If-Match": "*"},
            ),
            ("GET", f"/v1/organizations/{one.organization_id}", None, {}),
        ):
            answers.append(await client.request(method, where, json=body, headers=headers))
            assert answers[-1].status_code in (401, 403, 404, 422, 428), answers[-1].text
        sent = {"file": ("a.txt", b"a", "text/plain")}
        answers.append(await client.post(f"{path}/attachments", files=sent))
        # Who guesses the enterprise is not told that the guess is right.
        for where in (
            "/v1/demands",
            "/v1/search?kind=demand",
            f"/v1/achievements/{achievement}/matches",
        ):
            params = {"organization_id": str(one.organization_id)}
            found = await client.get(httpx.URL(where).copy_merge_params(params))
            assert found.json()["items"] == [], where
            answers.append(found)
        for where, params in (
            ("/v1/search", {"q": one.short, "kind": "demand"}),
            ("/v1/organizations", {"name": one.short}),
            ("/v1/organizations", {"code": one.code}),
        ):
            found = (await client.get(where, params=params)).json()["items"]
            # Other enterprises' demands may share the words of all names.
            assert str(one.demand_id) not in str(found), where
            assert where == "/v1/search" or found == []
    return [whole(one) for one in answers]


async def surroundings(service: Service) -> tuple[str, list[str]]:
    """A named demand and an achievement beside the anonymous ones; attachments of each kind."""
    async with service.client(await service.token("scholar")) as scholar:
        body = {
            "organization_id": str(service.university),
            "title": f"{TOPIC}装备",
            "description": "利用工艺余热为烘干车间除湿。",
        }
        achievement = (await scholar.post("/v1/achievements", json=body)).json()["id"]
        publish = f"/v1/achievements/{achievement}/publish"
        (await scholar.post(publish, headers={"If-Match": "*"})).raise_for_status()
    async with service.client(await service.token("buyer")) as buyer:
        named = {"organization_id": str(service.enterprise), "title": f"{TOPIC}需求"}
        path = (await buyer.post("/v1/demands", json=named)).headers["Location"]
        (await buyer.post(f"{path}/publish", headers={"If-Match": "*"})).raise_for_status()
    return achievement, [path.rsplit("/", 1)[1]]


async def attach_to(service: Service, hidden: Sequence[Hidden]) -> list[str]:
    ids = []
    async with service.client(await service.token("admin")) as admin:
        for one in hidden:
            for access in ("public", "signed_in", "let_in"):
                answer = await admin.post(
                    f"/v1/demands/{one.demand_id}/attachments",
                    files={
                        "file": (f"现场-{access}.txt", "烘干车间照片说明".encode(), "text/plain")
                    },
                    data={"access": access},
                )
                ids.append(answer.raise_for_status().json()["id"])
    return ids


async def check_nothing_leaks(service: Service, count: int, tmp_path: Path) -> None:
    hidden = await hidden_demands(service, count)
    achievement, (named,) = await surroundings(service)
    attachments = await attach_to(service, hidden[:5])
    async with service.runtime.database.write() as session:
        for kind in ListKind:
            await freeze(session, OPERATOR, kind)
    await catch_up(service.runtime)
    met, others = hidden[0], hidden[1:]
    async with service.client() as anyone:
        answers = await read_everything(anyone, hidden, achievement, attachments)
        answers += await ask_awkwardly(anyone, hidden, achievement)
        listed = (await anyone.get("/v1/demands?limit=100")).json()["items"]
        assert {one["organization"] is None for one in listed if one["anonymous"]} == {True}
        shown = (await anyone.get(f"/v1/demands/{met.demand_id}")).json()
        assert (shown["organization"], shown["number"], shown["contact"]) == (None, None, None)
        assert (await anyone.get(f"/v1/demands/{named}")).json()["organization"]["name"]
    assert told_of(answers, hidden) == []

    # What is passed on: pairs as a file, feedback to train on.
    matches = await match_all(service.runtime.database, matcher(service.runtime), lambda *_: None)
    assert str(met.demand_id) in matches.model_dump_json()
    files = []
    for name in ("pairs.json", "pairs.xlsx"):
        await write_matches(tmp_path / name, matches)
        files.append((tmp_path / name).read_bytes())
    with zipfile.ZipFile(io.BytesIO(files[1])) as book:
        cells = [book.read(one) for one in book.namelist()]
    assert "匿名企业".encode() in b"".join(cells)
    async with service.client(await service.token("scholar")) as scholar:
        said = {
            "demand_id": str(met.demand_id),
            "achievement_id": achievement,
            "verdict": "useful",
        }
        answers = [whole(await scholar.post("/v1/matches/feedback", json=said))]
    async with service.runtime.database.read() as session:
        assert await feedback.export(session, tmp_path / "graded") == 1
    files += cells + [one.read_bytes() for one in (tmp_path / "graded").iterdir()]
    files += [
        one.read_bytes() for one in service.runtime.settings.index_dir.rglob("*") if one.is_file()
    ]
    assert told_of([*files, *answers], hidden) == []
    contents = await service.runtime.index.contents(ListKind.DEMAND)
    assert len(contents) == count + 1

    # Members of another organization, before and after the two sides have agreed to meet.
    async with service.client(await service.token("scholar")) as scholar:
        answers = await read_everything(scholar, hidden, achievement, attachments)
        answers += await ask_awkwardly(scholar, hidden, achievement)
        assert told_of(answers, hidden) == []
        before = (await scholar.get(f"/v1/demands/{met.demand_id}")).headers["ETag"]
        await introduce(service, met, service.university)
        answers = await read_everything(scholar, hidden, achievement, attachments)
        assert told_of(answers, hidden) == [met]
        answers = await ask_awkwardly(scholar, others, achievement)
        assert told_of(answers, others) == []
        headers = {"If-None-Match": before}
        shown = await scholar.get(f"/v1/demands/{met.demand_id}", headers=headers)
        assert shown.json()["contact"]["phone"] == "0816-0000000"
        assert shown.json()["organization"]["id"] == str(met.organization_id)
        params = {"organization_id": str(met.organization_id)}
        (only,) = (await scholar.get("/v1/demands", params=params)).json()["items"]
        assert only["id"] == str(met.demand_id)
    for name in ("buyer", None):
        async with service.client(await service.token(name) if name else None) as client:
            answers = await read_everything(client, hidden[:10], achievement, attachments)
            assert told_of(answers, hidden) == []


async def test_nothing_tells_whose_an_anonymous_demand_is(service: Service, tmp_path: Path) -> None:
    await check_nothing_leaks(service, 3, tmp_path)


async def test_nothing_tells_whose_a_hundred_anonymous_demands_are(tmp_path: Path) -> None:
    # Some thousand answers, so on one database; the other is asked in small above.
    settings = Settings(
        data_dir=tmp_path / "data", embeddings="none", secret_key="0123456789abcdef0123456789abcdef"
    )
    async with running(settings) as service:
        await check_nothing_leaks(service, MANY, tmp_path)


async def test_the_own_people_and_those_who_look_after_all_see_whose_it_is(
    service: Service,
) -> None:
    (one,) = await hidden_demands(service, 1)
    async with service.runtime.database.write() as session:
        for name, role, district in (
            ("auditor", PlatformRole.AUDITOR, None),
            ("reviewer", PlatformRole.REVIEWER, "绵阳"),
            ("elsewhere", PlatformRole.REVIEWER, "成都"),
        ):
            await create_user(
                session, name=name, password=PASSWORD, platform_role=role, district=district
            )
        await create_user(
            session,
            name="owner",
            password=PASSWORD,
            organization_id=one.organization_id,
            role=Role.MEMBER,
        )
    tags = set()
    for name, sees in (
        ("owner", True),
        ("admin", True),
        ("auditor", True),
        ("reviewer", True),
        ("elsewhere", False),
        ("scholar", False),
    ):
        async with service.client(await service.token(name)) as client:
            read = await client.get(f"/v1/demands/{one.demand_id}")
            params = {"organization_id": str(one.organization_id)}
            listed = (await client.get("/v1/demands", params=params)).json()["items"]
            assert (read.json()["organization"] is not None, len(listed)) == (sees, sees), name
            contact = name in ("owner", "admin", "auditor")
            assert (read.json()["contact"] is not None) is contact
            tags.add(read.headers["ETag"])
            if name == "owner":
                renamed = read.headers["ETag"]
    assert len(tags) == 3  # with contact, without it, without the organization
    async with service.client(await service.token("admin")) as admin, service.client() as anyone:
        hidden = await anyone.get(f"/v1/demands/{one.demand_id}")
        path = f"/v1/organizations/{one.organization_id}"
        new = {"name": "改名后的有限公司"}
        assert (await admin.patch(path, json=new, headers={"If-Match": "*"})).is_success
        again = await anyone.get(f"/v1/demands/{one.demand_id}")
        assert again.headers["ETag"] == hidden.headers["ETag"]  # else it would tell of the change
        read = await admin.get(f"/v1/demands/{one.demand_id}")
        assert read.headers["ETag"] != renamed


async def test_an_index_forgets_the_enterprise_when_its_demand_becomes_anonymous(
    service: Service, buyer: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    body = {"organization_id": str(service.enterprise), "title": "除湿技术"}
    path = (await buyer.post("/v1/demands", json=body)).headers["Location"]
    (await buyer.post(f"{path}/publish", headers={"If-Match": "*"})).raise_for_status()

    async def found(**params: Any) -> int:
        answer = await anyone.get("/v1/search", params={"kind": "demand", **params})
        return int(answer.json()["total"])

    async def is_found() -> bool:
        return (
            await found(q="锦城机电") == await found(organization_id=str(service.enterprise)) == 1
        )

    await until(is_found)
    change = await buyer.patch(path, json={"anonymous": True}, headers={"If-Match": "*"})
    assert change.json()["organization"]["id"] == str(service.enterprise)
    # From this moment, whatever the index still holds.
    params = {"kind": "demand", "organization_id": str(service.enterprise)}
    assert (await anyone.get("/v1/search", params=params)).json()["items"] == []

    async def is_gone() -> bool:
        return (
            await found(q="锦城机电") == await found(organization_id=str(service.enterprise)) == 0
        )

    await until(is_gone)
    assert await found(q="除湿") == 1


async def test_what_the_enterprise_writes_must_not_name_it(
    service: Service, buyer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    own = {"organization_id": str(service.enterprise), "anonymous": True, "title": "除湿技术"}
    for field, value in (
        ("title", "錦城機電除湿技术"),
        ("description", "本公司（锦 城\u200b机电有限公司）需要"),
        ("keywords", ["除湿", "锦城机电"]),
        ("place", "成都市锦城机电园区"),
        ("field", "锦城机电"),
        ("required_trl", {"level": 6, "evidence": "锦城机电检测"}),
    ):
        refused = await buyer.post("/v1/demands", json={**own, field: value})
        assert (refused.status_code, refused.json()["code"]) == (422, "names_organization"), field
        (error,) = refused.json()["errors"]
        assert error["loc"] == ["body", field]
        assert "锦城" not in refused.text

    named = {**own, "anonymous": False, "description": "锦城机电需要"}
    path = (await buyer.post("/v1/demands", json=named)).headers["Location"]
    refused = await buyer.patch(path, json={"anonymous": True}, headers={"If-Match": "*"})
    assert refused.json()["code"] == "names_organization"
    both = {"anonymous": True, "description": "本公司需要"}
    assert (await buyer.patch(path, json=both, headers={"If-Match": "*"})).is_success
    sent = {"file": ("锦城机电-现场.txt", b"1", "text/plain")}
    refused = await buyer.post(f"{path}/attachments", files=sent)
    assert (refused.json()["code"], refused.json()["errors"][0]["loc"]) == (
        "names_organization",
        ["body", "file"],
    )
    open_again = await buyer.patch(path, json={"anonymous": False}, headers={"If-Match": "*"})
    assert open_again.is_success
    assert (await buyer.post(f"{path}/attachments", files=sent)).status_code == 201
    refused = await buyer.patch(path, json={"anonymous": True}, headers={"If-Match": "*"})
    assert refused.json()["errors"][0]["loc"] == ["body", "attachments"]

    # A new name, too, must not stand in what is published already.
    clean = {**own, "title": "巨浪除湿技术"}
    path = (await buyer.post("/v1/demands", json=clean)).headers["Location"]
    organization = f"/v1/organizations/{service.enterprise}"
    new = {"name": "巨浪股份有限公司"}
    assert (await admin.patch(organization, json=new, headers={"If-Match": "*"})).is_success
    refused = await buyer.post(f"{path}/publish", headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (422, "names_organization")
    before = {"name": "锦城机电有限公司"}
    assert (await admin.patch(organization, json=before, headers={"If-Match": "*"})).is_success
    assert (await buyer.post(f"{path}/publish", headers={"If-Match": "*"})).is_success
    refused = await admin.patch(organization, json=new, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (409, "named_by_anonymous_demands")
    assert (await buyer.get(organization)).json()["name"] == before["name"]


def test_names_are_known_without_their_legal_endings() -> None:
    for name, short in (
        ("锦城机电有限公司", "锦城机电"),
        ("锦城机电（集团）股份有限公司", "锦城机电"),
        ("锦城机电集团有限责任公司", "锦城机电"),
        ("錦城機電控股有限公司", "锦城机电"),
        ("Acme Zinc Co., Ltd.", "acmezinc"),
        ("Zinc", "zinc"),
    ):
        assert short in naming.forms(name, None), name
    assert naming.forms("集团有限公司", None) == {"集团有限公司"}
    known = naming.forms("锦城机电有限公司", "91510100MA61TPA00X")
    texts = {"title": "代码 91510100ma61 tpa00x", "description": None, "keywords": []}
    assert naming.naming_field(known, texts) == "title"
    assert naming.naming_field(known, {"title": "锦城的机电"}) is None


async def test_contacts_are_shown_to_those_introduced(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    contact = {"name": "成果联系人", "phone": "028-00000000"}
    body = {"organization_id": str(service.university), "title": "除湿装备", "contact": contact}
    path = (await scholar.post("/v1/achievements", json=body)).headers["Location"]
    (await scholar.post(f"{path}/publish", headers={"If-Match": "*"})).raise_for_status()
    assert (await buyer.get(path)).json()["contact"] is None
    sides = {
        "achievement_id": uuid.UUID(path.rsplit("/", 1)[1]),
        "organization_id": service.enterprise,
        "owner_id": service.university,
    }
    async with service.runtime.database.write() as session:
        interest = Interest(id=uuid.uuid4(), subject_kind=ListKind.ACHIEVEMENT, **sides)
        session.add(interest)
        await session.flush()
        session.add(Introduction(interest_id=interest.id, **sides))
    assert (await buyer.get(path)).json()["contact"]["phone"] == contact["phone"]
    (listed,) = (await buyer.get("/v1/achievements")).json()["items"]
    assert listed["contact"]["phone"] == contact["phone"]
