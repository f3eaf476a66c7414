"""Learning the ranking's weights from graded pairs: the same pairs give the same bytes.

A ridge model predicts the grade; its predictions for demands that it was not trained on (five
folds, by demand) calibrate the score and place the cuts between the grades.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kechuangtong.core import text as texts
from kechuangtong.matching.measures import RELEVANT, ndcg
from kechuangtong.matching.ranking import (
    MEANING_FEATURES,
    WORD_FEATURES,
    Floats,
    Model,
    Ranker,
    Subject,
    Weight,
    features,
    read_ranker,
)
from kechuangtong.matching.terms import count_documents

FOLDS: Final = 5
_RIDGE: Final = 10.0
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


def train(
    graded: Sequence[Graded], weight: Weight, on: date, sources: Sequence[str]
) -> dict[str, Any]:
    """The content of a ranker's file, trained on all pairs.

    Raises ValueError where there is too little to learn from.
    """
    if len(graded) < 2 * FOLDS:
        raise ValueError(f"training needs graded pairs of at least {2 * FOLDS} demands")
    table = _table(graded, weight)
    without_meaning = len(WORD_FEATURES)
    full, full_figures = _learn(table, slice(None))
    alone, alone_figures = _learn(table, slice(without_meaning))
    content: dict[str, Any] = {
        "features": [*WORD_FEATURES, *MEANING_FEATURES],
        "full": full.data(),
        "words": alone.data(),
        "close": round(float(np.quantile(table.features[:, -1], 1 - _CLOSE_SHARE)), 4),
    }
    return {
        "version": f"ridge-{_digest(content)}",
        "date": on.isoformat(),
        **content,
        "figures": {"folds": FOLDS, "full": full_figures, "words": alone_figures},
        "trained_on": {
            "folders": list(sources),
            "pairs": len(table.grades),
            "demands": sorted(demand_hash(one.id) for one in graded),
        },
    }


def in_folds(graded: Sequence[Graded], weight: Weight, folds: int) -> Iterator[tuple[int, Ranker]]:
    """For each fold, a ranker trained on the demands of the others."""
    for fold in range(folds):
        rest = [one for one in graded if fold_of(one.id, folds) != fold]
        if len(rest) < len(graded):
            yield fold, read_ranker(train(rest, weight, date.min, ["folds"]))


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()[:8]


def _table(graded: Sequence[Graded], weight: Weight) -> _Table:
    rows = [
        features(one.demand, achievement, weight)
        for one in graded
        for achievement in one.achievements
    ]
    if any(len(row) != len(WORD_FEATURES) + len(MEANING_FEATURES) for row in rows):
        raise ValueError("training needs an embedding model")
    sizes = [len(one.grades) for one in graded]
    return _Table(
        features=np.array(rows),
        grades=np.array([grade for one in graded for grade in one.grades], float),
        demands=np.repeat(np.arange(len(graded)), sizes),
        folds=np.repeat([fold_of(one.id, FOLDS) for one in graded], sizes),
    )


def _learn(table: _Table, columns: slice) -> tuple[Model, dict[str, float]]:
    found = table.features[:, columns]
    held_out = np.empty(len(table.grades))
    for fold in range(FOLDS):
        inside = table.folds == fold
        mean, scale, weights, intercept = _ridge(found[~inside], table.grades[~inside])
        held_out[inside] = ((found[inside] - mean) / scale) @ weights + intercept
    slope, offset = _logistic(held_out, table.grades >= RELEVANT)
    cuts = _cuts(held_out, table.grades)
    mean, scale, weights, intercept = _ridge(found, table.grades)
    model = Model(mean, scale, weights, intercept, slope, offset, cuts)
    shown = np.array([model.grade(value) for value in held_out])
    per_demand = []
    for demand in np.unique(table.demands):
        of = table.demands == demand
        grades = table.grades[of]
        if len(grades) >= 5 and grades.max() > 1:
            order = np.argsort(-held_out[of], kind="stable")
            per_demand.append(ndcg(grades[order].astype(int).tolist(), 10))
    return model, {
        "ndcg_at_10": round(float(np.mean(per_demand)), 4) if per_demand else 0.0,
        "grading_score": round(float(1 / (1 + np.abs(shown - table.grades).mean())), 4),
    }


def _ridge(found: Floats, grades: Floats) -> tuple[Floats, Floats, Floats, float]:
    mean, scale = found.mean(axis=0), np.maximum(found.std(axis=0), 1e-9)
    standard = (found - mean) / scale
    intercept = float(grades.mean())
    gram = standard.T @ standard + _RIDGE * np.eye(found.shape[1])
    weights: Floats = np.linalg.solve(gram, standard.T @ (grades - intercept))
    return mean, scale, weights, intercept


def _logistic(values: Floats, relevant: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of the probability, by Newton's method (Platt 1999)."""
    design = np.stack([values, np.ones_like(values)], axis=1)
    share = float(relevant.mean())
    parameters = np.array([0.0, np.log((share + 1e-6) / (1 - share + 1e-6))])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ parameters))
        spread = np.maximum(chance * (1 - chance), 1e-9)
        hessian = design.T @ (design * spread[:, None]) + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, design.T @ (relevant - chance) - 1e-6 * parameters)
        parameters = parameters + step
        if np.abs(step).max() < 1e-10:
            break
    return float(parameters[0]), float(parameters[1])


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
