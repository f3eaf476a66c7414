"""What every engine of the search port promises."""

import shutil
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import Meilisearch, free_port, meilisearch_process
from kechuangtong.core.trade import IndexKind
from kechuangtong.search.embedded import EmbeddedEngine
from kechuangtong.search.meilisearch.engine import MeilisearchEngine
from kechuangtong.search.meilisearch.server import connect, make_keys
from kechuangtong.search.port import (
    Document,
    EngineFailed,
    Filter,
    IndexWriter,
    Results,
    SearchEngine,
    SearchIndex,
    Vector,
    WriterBusy,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
ACHIEVEMENTS = IndexKind.ACHIEVEMENT


@dataclass
class Engine:
    index: SearchIndex
    writer: IndexWriter

    async def find(self, q: str, **wanted: object) -> list[str]:
        found = await self.search(q, **wanted)
        return [hit.id for hit in found.hits]

    async def search(
        self, q: str, offset: int = 0, limit: int = 100, sort: str = "relevance", **wanted: object
    ) -> Results:
        facets = ["field", "cooperation"]
        chosen = Filter(**wanted)  # type: ignore[arg-type]
        return await self.index.search(ACHIEVEMENTS, q, chosen, facets, sort, offset, limit)  # type: ignore[arg-type]


@pytest.fixture(params=["embedded", "meilisearch"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    made: SearchEngine
    if request.param == "embedded":
        made = EmbeddedEngine(tmp_path)
    else:
        server: Meilisearch = request.getfixturevalue("meilisearch")
        made = MeilisearchEngine(
            [server.url], server.key, prefix=f"test-{uuid.uuid4().hex[:8]}-", timeout=30
        )
    with made.lock():
        writer = made.new()
        made.make_live(writer)
        index = made.reader()
        yield Engine(index, writer)
        await index.close()
        writer.close()
    if isinstance(made, MeilisearchEngine):
        made.remove()


def document(number: int, title: str, **values: object) -> Document:
    given: dict[str, object] = {
        "kind": ACHIEVEMENTS,
        "id": name(number),
        "title": title,
        "keywords": (),
        "text": "",
        "organization": "",
        "organization_id": name(999),
        "field": None,
        "stage": None,
        "cooperation": (),
        "place": None,
        "published_at": START + timedelta(hours=number),
        "valid_until": None,
    }
    return Document(**{**given, **values})  # type: ignore[arg-type]


def name(number: int) -> str:
    return str(uuid.UUID(int=number))


def put(engine: Engine, *documents: Document) -> None:
    engine.writer.put(documents)
    engine.writer.commit()


@pytest.mark.parametrize(
    ("title", "q"),
    [
        ("石墨烯导热膜", "石墨烯"),
        ("在建工程质量监测", "工程"),
        ("在建工程质量监测", "建工"),
        ("雷達信號處理", "雷达信号"),
        ("雷达信号处理", "雷達信號"),
        ("ＰＬＣ控制系统", "plc"),
        ("PLC控制系统", "ＰＬＣ"),
        ("Graphene heat spreader", "grapheme"),
        ("Graphene heat spreader", "GRAPHENE"),
        ("光敏电池器件", "电池"),
        ("5G通信射频芯片", "5g 芯片"),
        ("面积50㎡的温室", "50m2"),
    ],
)
async def test_what_people_type_finds_what_was_written(engine: Engine, title: str, q: str) -> None:
    put(engine, document(1, title), document(2, "苹果采摘机械手"))
    assert await engine.find(q) == [name(1)]


@pytest.mark.parametrize(
    "q",
    ['"', "-40", '"石墨烯" -膜', "石墨烯 AND OR NOT (", "title:石墨烯", "石墨烯*~^", "\x00石墨烯"],
)
async def test_operators_are_just_text(engine: Engine, q: str) -> None:
    put(engine, document(1, "石墨烯膜，零下-40度"))
    assert await engine.find(q) in ([], [name(1)])
    if "石墨烯" in q or "40" in q:
        assert await engine.find(q) == [name(1)]


async def test_a_huge_query_is_answered(engine: Engine) -> None:
    put(engine, document(1, "石墨烯膜"))
    for q in ("石墨烯" * 40_000, '"' * 100_000, "很 长 的 " * 30_000):
        await engine.find(q)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.text(max_size=300), min_size=6, max_size=6))
async def test_no_text_is_an_error(engine: Engine, texts: list[str]) -> None:
    put(engine, *[document(number, one or "-") for number, one in enumerate(texts)])
    for q in texts:
        await engine.search(q)


async def test_all_words_first_and_any_where_nothing_has_all(engine: Engine) -> None:
    put(engine, document(1, "锂电池电解液"), document(2, "锂电池隔膜"), document(3, "耐火砖"))
    assert await engine.find("锂电池 隔膜") == [name(2)]
    assert set(await engine.find("隔膜 耐火砖")) == {name(2), name(3)}


async def test_titles_count_more_than_texts(engine: Engine) -> None:
    put(
        engine, document(1, "耐火砖", text="用于石墨烯炉"), document(2, "石墨烯粉体", text="耐高温")
    )
    assert await engine.find("石墨烯") == [name(2), name(1)]


async def test_filters_hold_together_and_facets_count_what_was_found(engine: Engine) -> None:
    put(
        engine,
        document(1, "传感器", field="电子", cooperation=("license", "transfer"), place="成都"),
        document(2, "传感器", field="电子", stage="pilot", valid_until=date(2026, 3, 1)),
        document(3, "传感器", field="农业", organization_id=name(7)),
    )
    assert set(await engine.find("传感器", field=("电子",))) == {name(1), name(2)}
    assert await engine.find("传感器", field=("电子",), stage=("pilot",)) == [name(2)]
    assert await engine.find("传感器", cooperation=("transfer", "equity")) == [name(1)]
    assert await engine.find("传感器", organization_id=(name(7),)) == [name(3)]
    assert set(await engine.find("传感器", valid_on=date(2026, 3, 1))) == {
        name(1),
        name(2),
        name(3),
    }
    assert set(await engine.find("传感器", valid_on=date(2026, 3, 2))) == {name(1), name(3)}
    assert await engine.find("传感器", published_after=START + timedelta(hours=3)) == [name(3)]
    assert await engine.find("传感器", published_before=START + timedelta(hours=2)) == [name(1)]
    found = await engine.search("传感器")
    assert found.facets["field"] == [("电子", 2), ("农业", 1)]
    assert dict(found.facets["cooperation"]) == {"license": 1, "transfer": 1}


async def test_instruments_are_found_apart_by_their_classes(engine: Engine) -> None:
    instruments = IndexKind.INSTRUMENT

    def instrument(number: int, title: str, code: str, **values: object) -> Document:
        levels = (code[:2], code[:4], code)
        return document(number, title, kind=instruments, classes=levels, **values)

    put(
        engine,
        document(1, "透射电镜的球差校正方法"),
        instrument(2, "透射电镜", "010101", share_mode="external", instrument_kind="instrument"),
        instrument(3, "掃描電鏡", "010102", share_mode="internal"),
        instrument(4, "疲劳试验机", "020101", text="高低温下的疲劳试验"),
    )
    engine.writer.put_vectors(instruments, [(name(2), unit(2)), (name(4), unit(4))])
    engine.writer.commit()

    async def found(q: str, **wanted: object) -> list[str]:
        chosen = Filter(**wanted)  # type: ignore[arg-type]
        facets = ["classes", "share_mode"]
        results = await engine.index.search(instruments, q, chosen, facets, "relevance", 0, 10)
        if not wanted and q == "电镜":
            assert dict(results.facets["classes"]) == {
                "01": 2,
                "0101": 2,
                "010101": 1,
                "010102": 1,
            }
            assert dict(results.facets["share_mode"]) == {"external": 1, "internal": 1}
        return sorted(hit.id for hit in results.hits)

    assert await found("电镜") == [name(2), name(3)]
    assert await found("", classes=("0101",)) == [name(2), name(3)]
    assert await found("", classes=("010102", "02")) == [name(3), name(4)]
    assert await found("", share_mode=("external",), instrument_kind=("instrument",)) == [name(2)]
    assert await engine.find("透射电镜") == [name(1)]
    proposed = await engine.index.propose(
        instruments, [("疲劳", 2.0)], unit(2), Filter(classes=("010101", "02")), 5
    )
    assert {one.id for one in proposed} == {name(2), name(4)}
    engine.writer.delete(instruments, [name(3)])
    engine.writer.commit()
    assert (await engine.index.contents(instruments)).keys() == {name(2), name(4)}
    assert await engine.index.count(ACHIEVEMENTS) == 1


def test_an_index_that_was_made_without_instruments_is_read(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    writer = engine.new()
    engine.make_live(writer)
    writer.put([document(1, "石墨烯")])
    writer.commit()
    writer.close()
    shutil.rmtree(tmp_path / writer.generation / "instrument")
    reader = engine.reader()
    assert reader._count(ACHIEVEMENTS) == 1
    assert reader._count(IndexKind.INSTRUMENT) == 0


def test_a_search_key_made_before_there_were_instruments_is_good_for_them(
    meilisearch: Meilisearch,
) -> None:
    client = connect(meilisearch.url, meilisearch.key.get_secret_value())
    key = make_keys(meilisearch.url, meilisearch.key)["search"]
    found = client.get_key(key)
    client.delete_key(key)
    lists = {"uid": found.uid, "actions": ["search"], "indexes": ["achievements", "demands"]}
    assert client.create_key({**lists, "expiresAt": None}).key == key
    assert make_keys(meilisearch.url, meilisearch.key)["search"] == key
    assert "instruments" in client.get_key(key).indexes


async def test_pages_follow_each_other(engine: Engine) -> None:
    put(engine, *(document(number, f"传感器{number}号") for number in range(1, 8)))
    everything = await engine.search("", sort="newest")
    assert [hit.id for hit in everything.hits] == [name(number) for number in range(7, 0, -1)]
    pages = [await engine.search("", offset=at, limit=3, sort="newest") for at in (0, 3, 6)]
    assert [hit.id for page in pages for hit in page.hits] == [hit.id for hit in everything.hits]
    assert {page.total for page in pages} == {7}


async def test_put_again_replaces_and_delete_removes(engine: Engine) -> None:
    put(engine, document(1, "石墨烯"))
    put(engine, document(1, "耐火砖"))
    assert (await engine.find("石墨烯"), await engine.find("耐火砖")) == ([], [name(1)])
    engine.writer.delete(ACHIEVEMENTS, [name(1)])
    engine.writer.commit()
    assert await engine.find("耐火砖") == []
    assert await engine.index.count(ACHIEVEMENTS) == 0


def unit(seed: int) -> Vector:
    vector = np.random.default_rng(seed).normal(size=384).astype(np.float32)
    found: Vector = vector / np.linalg.norm(vector)
    return found


async def test_candidates_come_from_words_and_from_neighbours(engine: Engine) -> None:
    put(engine, *(document(number, f"成果{number}") for number in range(1, 41)))
    engine.writer.put([document(50, "高镍三元电解液")])
    engine.writer.put_vectors(ACHIEVEMENTS, [(name(n), unit(n)) for n in range(1, 41)])
    engine.writer.commit()
    found = await engine.index.propose(
        ACHIEVEMENTS, [("电解液", 3.0), ("三元", 2.0)], unit(7), Filter(), 10
    )
    by_id = {one.id: one for one in found}
    assert len(found) == 10
    assert by_id[name(50)].word_rank == 0
    assert by_id[name(50)].vector_score is None
    assert by_id[name(7)].vector_score == pytest.approx(1.0, abs=1e-3)


async def test_a_filter_holds_for_neighbours_however_far_they_are(engine: Engine) -> None:
    put(engine, *(document(n, "成果", field="A" if n == 400 else "B") for n in range(1, 401)))
    engine.writer.put_vectors(ACHIEVEMENTS, [(name(n), unit(n)) for n in range(1, 401)])
    engine.writer.commit()
    found = await engine.index.propose(ACHIEVEMENTS, [], unit(1), Filter(field=("A",)), 5)
    assert [one.id for one in found] == [name(400)]


async def test_a_newer_vector_counts_and_a_deleted_record_is_not_proposed(engine: Engine) -> None:
    put(engine, document(1, "甲"), document(2, "乙"))
    engine.writer.put_vectors(ACHIEVEMENTS, [(name(1), unit(1)), (name(2), unit(2))])
    engine.writer.put_vectors(ACHIEVEMENTS, [(name(1), unit(3))])
    engine.writer.commit()
    found = await engine.index.propose(ACHIEVEMENTS, [], unit(3), Filter(), 5)
    assert found[0].id == name(1)
    assert found[0].vector_score == pytest.approx(1.0, abs=1e-3)
    engine.writer.delete(ACHIEVEMENTS, [name(1)])
    engine.writer.commit()
    found = await engine.index.propose(ACHIEVEMENTS, [], unit(3), Filter(), 5)
    assert [one.id for one in found] == [name(2)]


async def test_of_two_servers_either_answers_and_both_get_what_is_written(
    meilisearch: Meilisearch, tmp_path: Path
) -> None:
    port = free_port()
    key = meilisearch.key.get_secret_value()
    urls = [f"http://127.0.0.1:{port}", meilisearch.url]
    both = MeilisearchEngine(urls, meilisearch.key, prefix=f"two-{port}-", timeout=30)
    with meilisearch_process(tmp_path, port, key):
        writer = both.new()
        both.make_live(writer)
        writer.put([document(1, "石墨烯")])
        writer.commit()
        for url in urls:
            alone = MeilisearchEngine([url], meilisearch.key, prefix=f"two-{port}-").reader()
            assert await alone.count(ACHIEVEMENTS) == 1
            await alone.close()
    index = both.reader()
    assert (await index.search(ACHIEVEMENTS, "石墨烯", Filter(), [], "relevance", 0, 10)).total == 1
    writer.put([document(2, "耐火砖")])
    with pytest.raises(EngineFailed):
        writer.commit()
    with meilisearch_process(tmp_path, port, key):
        writer.put([document(2, "耐火砖")])
        writer.commit()
        assert await index.count(ACHIEVEMENTS) == 2
        both.remove()
    await index.close()


def test_one_process_at_a_time_writes(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from kechuangtong.search.embedded import EmbeddedEngine; "
        f"EmbeddedEngine(Path({str(tmp_path)!r})).lock().__enter__()"
    )
    with EmbeddedEngine(tmp_path).lock():
        with pytest.raises(WriterBusy), EmbeddedEngine(tmp_path).lock():
            pass
        held = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
        assert b"WriterBusy" in held.stderr
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_an_index_that_is_not_whole_is_not_taken_for_one(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    assert engine.live() is None
    writer = engine.new()
    engine.make_live(writer)
    writer.close()
    again = engine.live()
    assert again is not None
    again.close()
    shutil.rmtree(tmp_path / writer.generation)
    assert engine.live() is None
