"""Learning the ranking's weights from graded pairs: the same pairs give the same bytes.

Three logistic models say whether the grade is at least 2, 3 and 4; what they expect for demands
that they were not trained on (five folds, by demand) calibrates the score and places the cuts
between the grades.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kechuangtong.core import text as texts
from kechuangtong.core.trade import ListKind
from kechuangtong.matching.measures import ENOUGH, RELEVANT, ndcg
from kechuangtong.matching.ranking import (
    MEANING_FEATURES,
    WORD_FEATURES,
    Centers,
    Floats,
    Model,
    Ranker,
    Subject,
    features,
    logistic,
    read_centers,
    read_ranker,
)
from kechuangtong.matching.terms import count_documents

FOLDS: Final = 5
_PENALTY: Final = 100.0
# Among training pairs, this share lies closer in meaning than what is called close.
_CLOSE_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True)
class Graded:
    """A demand, and achievements with the grades (1 to 4) that experts gave the pairs."""

    id: str
    demand: Subject
    achievements: Sequence[Subject]
    grades: Sequence[int]


def fold_of(demand: str, folds: int) -> int:
    """The fold that a demand belongs to, by its id."""
    return int(demand_hash(demand), 16) % folds


def demand_hash(demand: str) -> str:
    """How a ranker's file names the demands that it was trained on."""
    return hashlib.sha256(demand.encode()).hexdigest()[:12]


def background_table(folders: Sequence[Path]) -> bytes:
    """The background of rarity from the texts of folders: numbers of texts a word stands in.

    Words that stand in one text only are left out, so no text can be made out again.
    """
    found = set()
    for path in sorted(path for folder in folders for path in folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            parts = [record["title"], *(record.get("keywords") or [])]
            parts += [record.get("description") or "", record.get("abstract") or ""]
            found.add("\n".join(parts))
    table = {
        "documents": len(found),
        "counts": count_documents((texts.words(text) for text in found), at_least=2),
        "characters": count_documents(
            (filter(str.isalnum, texts.fold(text)) for text in found), at_least=2
        ),
    }
    plain = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
    return gzip.compress(plain, mtime=0)


@dataclass(frozen=True, slots=True)
class _Table:
    """Features of all pairs, their grades, and which demand each belongs to."""

    features: Floats
    grades: Floats
    demands: NDArray[np.int64]
    folds: NDArray[np.int64]


def train(graded: Sequence[Graded], on: date, sources: Sequence[str]) -> dict[str, Any]:
    """The content of a ranker's file, trained on all pairs.

    Raises ValueError where there is too little to learn from.
    """
    if len(graded) < 2 * FOLDS:
        raise ValueError(f"training needs graded pairs of at least {2 * FOLDS} demands")
    centers = _centers(graded)
    table = _table(graded, read_centers(centers))
    full, full_figures = _learn(table, slice(None))
    alone, alone_figures = _learn(table, slice(len(WORD_FEATURES)))
    content: dict[str, Any] = {
        "features": [*WORD_FEATURES, *MEANING_FEATURES],
        "full": full.data(),
        "words": alone.data(),
        "close": round(float(np.quantile(table.features[:, -1], 1 - _CLOSE_SHARE)), 4),
        "centers": centers,
    }
    return {
        "version": f"ordinal-{_digest(content)}",
        "date": on.isoformat(),
        **content,
        "figures": {"folds": FOLDS, "full": full_figures, "words": alone_figures},
        "trained_on": {
            "folders": list(sources),
            "pairs": len(table.grades),
            "demands": sorted(demand_hash(one.id) for one in graded),
        },
    }


def in_folds(graded: Sequence[Graded], folds: int) -> Iterator[tuple[int, Ranker]]:
    """For each fold, a ranker trained on the demands of the others."""
    for fold in range(folds):
        rest = [one for one in graded if fold_of(one.id, folds) != fold]
        if len(rest) < len(graded):
            yield fold, read_ranker(train(rest, date.min, ["folds"]))


def _centers(graded: Sequence[Graded]) -> dict[str, list[float]]:
    """The means of the vectors, to six places."""
    demands = [one.demand for one in graded]
    achievements = {id(one): one for each in graded for one in each.achievements}.values()
    sorts = {
        "demand_title": [one.title_vector for one in demands],
        "demand_text": [one.text_vector for one in demands],
        "achievement": [one.text_vector for one in achievements],
    }
    if any(vector is None for vectors in sorts.values() for vector in vectors):
        raise ValueError("training needs an embedding model")
    return {
        name: np.mean(np.array(vectors, float), axis=0).round(6).tolist()
        for name, vectors in sorts.items()
    }


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()[:8]


def _table(graded: Sequence[Graded], centers: Centers) -> _Table:
    sizes = [len(one.grades) for one in graded]
    return _Table(
        features=np.concatenate(
            [
                features(ListKind.ACHIEVEMENT, one.demand, one.achievements, centers)
                for one in graded
            ]
        ),
        grades=np.array([grade for one in graded for grade in one.grades], float),
        demands=np.repeat(np.arange(len(graded)), sizes),
        folds=np.repeat([fold_of(one.id, FOLDS) for one in graded], sizes),
    )


def _learn(table: _Table, columns: slice) -> tuple[Model, dict[str, Any]]:
    found, grades = table.features[:, columns], table.grades
    held_out = np.empty(len(grades))
    for fold in range(FOLDS):
        inside = table.folds == fold
        held_out[inside] = _ordinal(found[~inside], grades[~inside]).values(found[inside])
    slope, offset = _fit(held_out[:, None], grades >= RELEVANT, penalty=0.0)
    model = replace(
        _ordinal(found, grades),
        slope=float(slope),
        offset=float(offset),
        cuts=_cuts(held_out, grades),
    )
    return model, _figures(table, model, held_out)


def _figures(table: _Table, model: Model, held_out: Floats) -> dict[str, Any]:
    """What the model reached on demands that it was not trained on; the score by tenths."""
    gains = []
    for demand in np.unique(table.demands):
        of = table.demands == demand
        ordered = table.grades[of][np.argsort(-held_out[of], kind="stable")].astype(int)
        if len(ordered) >= ENOUGH and ordered.max() > 1:
            gains.append(ndcg(ordered.tolist(), 10))
    shown = np.array([model.grade(value) for value in held_out])
    scores = np.array([model.score(value) for value in held_out])
    tenths = []
    for tenth in np.array_split(np.argsort(scores, kind="stable"), 10):
        found = float((table.grades[tenth] >= RELEVANT).mean())
        tenths.append([round(float(scores[tenth].mean()), 4), round(found, 4)])
    return {
        "ndcg_at_10": round(float(np.mean(gains)), 4) if gains else 0.0,
        "grading_score": round(float(1 / (1 + np.abs(shown - table.grades).mean())), 4),
        "tenths_of_score_and_share_found": tenths,
    }


def _ordinal(found: Floats, grades: Floats) -> Model:
    """The three logistic models; what calibrates them is not known yet."""
    mean, scale = found.mean(axis=0), np.maximum(found.std(axis=0), 1e-9)
    standard = (found - mean) / scale
    fitted = np.stack([_fit(standard, grades >= grade, _PENALTY) for grade in (2, 3, 4)])
    return Model(mean, scale, fitted[:, :-1].T, fitted[:, -1], 1.0, 0.0, (1.5, 2.5, 3.5))


def _fit(found: Floats, holds: NDArray[np.bool_], penalty: float) -> Floats:
    """Weights and, last, the intercept of a logistic model, by Newton's method.

    `penalty` is of the squared weights, not of the intercept.
    """
    design = np.column_stack([found, np.ones(len(found))])
    penalties = np.append(np.full(found.shape[1], penalty + 1e-6), 1e-6)
    parameters = np.zeros(design.shape[1])
    for _ in range(100):
        chance = logistic(design @ parameters)
        spread = np.maximum(chance * (1 - chance), 1e-9)
        hessian = design.T @ (design * spread[:, None]) + np.diag(penalties)
        gradient = design.T @ (holds - chance) - penalties * parameters
        step = np.linalg.solve(hessian, gradient)
        parameters = parameters + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    return parameters


def _cuts(values: Floats, grades: Floats) -> tuple[float, float, float]:
    """The cuts between the grades whose mean absolute error is smallest.

    |shown - grade| counts, over the three cuts, the pairs on the wrong side of each, so each cut
    is best by itself; a better pair is never cut lower, so they are in order.
    """
    values, grades = values[order := np.argsort(values, kind="stable")], grades[order]
    ends = np.concatenate([[values[0] - 1], values, [values[-1] + 1]])
    cuts = []
    for grade in (2, 3, 4):
        above = grades >= grade
        # A cut before place i has the good before it and the others from it on on the wrong side.
        wrong = np.append(0, np.cumsum(above)) + np.append(np.cumsum(~above[::-1])[::-1], 0)
        place = int(np.argmin(wrong))
        cuts.append(float(ends[place] + ends[place + 1]) / 2)
    return cuts[0], max(cuts[:2]), max(cuts)
