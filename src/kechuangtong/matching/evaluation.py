"""Measuring the ranking on a folder of graded pairs, on the code that serves.

Two lists are looked at for each demand: its graded achievements in the ranker's order, and the
at most 200 that the pipeline finds among all achievements of the folder.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kechuangtong.core.trade import ListKind
from kechuangtong.matching import measures, store
from kechuangtong.matching.bm25 import Bm25
from kechuangtong.matching.graded import Folder, Progress, Scratch
from kechuangtong.matching.measures import ENOUGH, RELEVANT, Estimate, bootstrap
from kechuangtong.matching.naive import Scores, naive_meilisearch
from kechuangtong.matching.ranking import Ranker, Subject, shipped
from kechuangtong.matching.service import CANDIDATES, Matcher
from kechuangtong.matching.training import demand_hash, fold_of, in_folds
from kechuangtong.models import Demand
from kechuangtong.search.embedded import EmbeddedEngine
from kechuangtong.search.indexing import writing
from kechuangtong.search.port import Filter, SearchIndex

_GRADED: Final = ("ndcg_at_10", "ndcg_at_5", "auc", "grading_score")
_FOUND: Final = ("recall_at_200", "success_at_1")

Statistic = Callable[[NDArray[np.int64]], float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a run: an achievement in one of a demand's two lists."""

    demand: str
    list: str
    achievement: str
    rank: int
    score: float
    grade: int | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of a folder, and the run that they come from."""

    report: dict[str, Any]
    run: list[Line]
    warning: str | None


async def evaluate(
    scratch: Scratch, *, folds: int | None = None, progress: Progress | None = None
) -> Evaluation:
    """Measure on a folder; with `folds`, each demand by a ranker not trained on its fold.

    Raises ValueError where the folder has too little to train on.
    """
    folder = scratch.folder
    async with scratch.runtime.database.read() as session:
        demands = await scratch.subjects(session, ListKind.DEMAND)
        achievements = await scratch.subjects(session, ListKind.ACHIEVEMENT)
        rankers: dict[int, Ranker] = {}
        if folds is not None:
            graded = await scratch.graded(session)
            rankers = dict(in_folds(graded, folds))
    ranker_of = {
        one: rankers[fold_of(one, folds)] if folds is not None else shipped() for one in demands
    }
    run: list[Line] = []
    for done, (demand, subject) in enumerate(demands.items(), 1):
        run += _graded_list(folder, ranker_of[demand], demand, subject, achievements)
        run += await _found_list(scratch, scratch.runtime.index, ranker_of[demand], demand)
        if progress is not None:
            progress(done, len(demands))
    others = {"bm25": _figures(folder, _baseline(folder, _bm25(folder)))}
    has_vectors = scratch.runtime.embedder is not None
    vectors = _baseline(folder, _vectors(folder, demands, achievements)) if has_vectors else []
    others["vectors"] = _figures(folder, vectors)
    embedded: dict[str, float] | None = None
    if scratch.runtime.engine.shared:
        embedded = await _beside_embedded(scratch, ranker_of, run)
        if has_vectors:
            with _naive(scratch, demands, achievements) as rankings:
                for name, scores_of in rankings.items():
                    others[name] = _figures(folder, _baseline(folder, scores_of))
    seen = shipped().trained_on & {demand_hash(one) for one in folder.grades}
    warning = None
    if folds is None and seen:
        warning = (
            f"the shipped weights were trained on {len(seen)} of these demands: "
            "their figures flatter; --folds 5 measures honestly"
        )
    ours = _figures(folder, run)
    figures = {name: _estimates(one) for name, one in (("ours", ours), *others.items())}
    return Evaluation(
        report={
            "folder": str(folder.path),
            "demands": len(folder.demands),
            "achievements": len(folder.achievements),
            "engine": scratch.runtime.index.engine,
            "ranker": shipped().version if folds is None else "trained in folds",
            "folds": folds,
            "metrics": figures["ours"],
            "baselines": {name: figures[name] for name in others},
            "differences": {name: _differences(ours, other) for name, other in others.items()},
            **({} if embedded is None else {"embedded": embedded}),
        },
        run=run,
        warning=warning,
    )


def write_run(path: Path, run: Sequence[Line]) -> None:
    """Write what the figures come from, tab-separated with a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, "excel-tab", lineterminator="\n")
        writer.writerow(["demand", "list", "achievement", "rank", "score", "grade"])
        for one in run:
            writer.writerow(
                [one.demand, one.list, one.achievement, one.rank, f"{one.score:.6f}", one.grade]
            )


def _graded_list(
    folder: Folder,
    ranker: Ranker,
    demand: str,
    subject: Subject,
    achievements: Mapping[str, Subject],
) -> list[Line]:
    names = list(folder.grades.get(demand, ()))
    judged = ranker.judge(ListKind.ACHIEVEMENT, subject, [achievements[one] for one in names])
    ordered = sorted(zip(names, judged, strict=True), key=lambda one: (-one[1].score, one[0]))
    return [
        Line(demand, "graded", name, rank, judgement.score, judgement.grade)
        for rank, (name, judgement) in enumerate(ordered, 1)
    ]


async def _found_list(
    scratch: Scratch, index: SearchIndex, ranker: Ranker, demand: str
) -> list[Line]:
    runtime = scratch.runtime
    names = scratch.achievement_names
    async with runtime.database.read() as session:
        record = await session.get_one(Demand, scratch.demand_ids[demand])
        ranking = await Matcher(index, runtime.embedder, ranker).rank(
            session, ListKind.ACHIEVEMENT, store.profile(record), store.inputs(record), Filter()
        )
    return [
        Line(demand, "found", names[one.id], rank, one.judgement.score, one.judgement.grade)
        for rank, one in enumerate(ranking.ranked, 1)
    ]


async def _beside_embedded(
    scratch: Scratch, ranker_of: Mapping[str, Ranker], run: Sequence[Line]
) -> dict[str, float]:
    """What the embedded engine finds of the same records: its recall, and how many of the first
    ten are the same, as a mean over demands."""
    runtime = scratch.runtime
    engine = EmbeddedEngine(runtime.settings.index_dir)
    index = engine.reader()
    async with writing(replace(runtime, engine=engine, index=index)) as indexer:
        await indexer.words()  # an index that is not there was built when it was opened
    found = {one: await _found_list(scratch, index, ranker_of[one], one) for one in ranker_of}
    firsts = _first_ten(run)
    same = [
        len(firsts[one] & _first_ten(lines)[one]) / max(len(firsts[one]), 1)
        for one, lines in found.items()
        if lines
    ]
    figures = _figures(scratch.folder, [line for lines in found.values() for line in lines])
    recall = _estimates(figures)["recall_at_200"]
    return {
        "recall_at_200": recall["value"] if recall else 0.0,
        "first_ten_same": round(float(np.mean(same)), 4),
    }


def _first_ten(run: Sequence[Line]) -> dict[str, set[str]]:
    first: dict[str, set[str]] = defaultdict(set)
    for line in run:
        if line.list == "found" and line.rank <= 10:
            first[line.demand].add(line.achievement)
    return first


def _naive(
    scratch: Scratch, demands: Mapping[str, Subject], achievements: Mapping[str, Subject]
) -> AbstractContextManager[dict[str, Scores]]:
    settings, folder = scratch.runtime.settings, scratch.folder
    sides = [
        {one: (_text(record), _text_vector(subjects[one])) for one, record in records.items()}
        for records, subjects in (
            (folder.achievements, achievements),
            (folder.demands, demands),
        )
    ]
    key = settings.meilisearch_key
    return naive_meilisearch(
        settings.meilisearch_urls[0], key.get_secret_value() if key else None, *sides
    )


def _bm25(folder: Folder) -> Scores:
    index = Bm25([_text(one) for one in folder.achievements.values()])
    return lambda demand: index.scores(_text(folder.demands[demand]))


def _text(record: Mapping[str, Any]) -> str:
    """A record's whole text."""
    parts = [record["title"], *(record.get("keywords") or []), record.get("description") or ""]
    return "\n".join(str(part) for part in parts)


def _vectors(
    folder: Folder, demands: Mapping[str, Subject], achievements: Mapping[str, Subject]
) -> Scores:
    matrix = np.stack([_text_vector(achievements[one]) for one in folder.achievements])
    return lambda demand: (matrix @ _text_vector(demands[demand])).astype(np.float64)


def _text_vector(subject: Subject) -> NDArray[np.float32]:
    assert subject.text_vector is not None
    return subject.text_vector


def _baseline(folder: Folder, scores_of: Scores) -> list[Line]:
    """The two lists by a plain score, which gives no grades."""
    names = list(folder.achievements)
    places = {name: place for place, name in enumerate(names)}
    lines = []
    for demand in folder.demands:
        scores = scores_of(demand)
        graded = list(folder.grades.get(demand, ()))
        found = [names[place] for place in np.argsort(-scores, kind="stable")[:CANDIDATES]]
        for which, listed in (("graded", graded), ("found", found)):
            ordered = sorted(listed, key=lambda name: (-scores[places[name]], name))
            lines += [
                Line(demand, which, name, rank, float(scores[places[name]]), None)
                for rank, name in enumerate(ordered, 1)
            ]
    return lines


@dataclass(frozen=True, slots=True)
class _Figures:
    """What each metric is made of, by demand: sums whose quotient over demands is the metric.

    Two arrays a metric, parts and wholes, in the order of the demands that count for it; None
    where the metric does not apply.
    """

    parts: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]] | None]

    def statistic(self, metric: str) -> Statistic:
        made = self.parts[metric]

        def value(drawn: NDArray[np.int64]) -> float | None:
            assert made is not None
            whole = made[1][drawn].sum()
            if not whole:
                return None
            found = float(made[0][drawn].sum() / whole)
            # What is summed for the grading score is the error of the grades.
            return 1 / (1 + found) if metric == "grading_score" else found

        return value

    def count(self, metric: str) -> int:
        made = self.parts[metric]
        return 0 if made is None else len(made[0])


def _figures(folder: Folder, run: Sequence[Line]) -> _Figures:
    lists: dict[tuple[str, str], list[Line]] = {}
    for line in run:
        lists.setdefault((line.demand, line.list), []).append(line)
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in _GRADED + _FOUND}
    for demand, grades in folder.grades.items():
        if len(grades) >= ENOUGH and max(grades.values()) > 1:
            for name, part, whole in _of_graded(grades, lists.get((demand, "graded"), [])):
                rows[name].append((part, whole))
        relevant = {one for one, grade in grades.items() if grade >= RELEVANT}
        found = [line.achievement for line in lists.get((demand, "found"), [])][:CANDIDATES]
        if relevant:
            rows["recall_at_200"].append((len(relevant & set(found)), len(relevant)))
            rows["success_at_1"].append((float(bool(relevant & set(found[:1]))), 1))
    return _Figures(
        {
            name: (np.array(made)[:, 0], np.array(made)[:, 1]) if run and made else None
            for name, made in rows.items()
        }
    )


def _of_graded(
    grades: Mapping[str, int], lines: Sequence[Line]
) -> Iterator[tuple[str, float, float]]:
    ordered = [grades[line.achievement] for line in lines]
    yield "ndcg_at_10", measures.ndcg(ordered, 10), 1
    yield "ndcg_at_5", measures.ndcg(ordered, 5), 1
    area = measures.auc(ordered)
    yield "auc", area or 0.0, 0 if area is None else 1
    errors = [
        abs(line.grade - grades[line.achievement]) for line in lines if line.grade is not None
    ]
    yield "grading_score", float(sum(errors)), len(errors)


def _estimates(figures: _Figures) -> dict[str, dict[str, float] | None]:
    return {
        name: _shown(bootstrap(figures.count(name), figures.statistic(name)))
        for name in figures.parts
    }


def _differences(ours: _Figures, other: _Figures) -> dict[str, dict[str, float] | None]:
    """Ours less theirs, over the same draws of demands."""

    def between(name: str) -> Statistic:
        one, two = ours.statistic(name), other.statistic(name)

        def value(drawn: NDArray[np.int64]) -> float | None:
            first, second = one(drawn), two(drawn)
            return None if first is None or second is None else first - second

        return value

    return {
        name: _shown(bootstrap(min(ours.count(name), other.count(name)), between(name)))
        for name in ours.parts
    }


def _shown(estimate: Estimate | None) -> dict[str, float] | None:
    return None if estimate is None else {k: round(v, 4) for k, v in asdict(estimate).items()}
