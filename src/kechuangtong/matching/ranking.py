"""How well an achievement fits a demand: features of the pair, and what learning made of them.

A feature stands on the two records and on how rare words are, never on other candidates, so a
pair has one score from either side. Nothing here knows a database or an index.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kechuangtong.core.trade import ListKind
from kechuangtong.matching.embedding import Vector
from kechuangtong.matching.profiles import FEATURE_BITS, UNIT, Numbers

Floats = NDArray[np.float64]

WORD_FEATURES: Final = (
    "title_characters",
    "text_characters",
    "telling_characters",
    "text_bigrams",
    "shared_words",
)
MEANING_FEATURES: Final = ("title_meaning", "text_meaning")


@dataclass(frozen=True, slots=True)
class Subject:
    """One side of a pair: its numbers and, where there is a model, its two vectors."""

    numbers: Numbers
    title_vector: Vector | None = None
    text_vector: Vector | None = None


@dataclass(frozen=True, slots=True)
class Centers:
    """The middle of each sort of vector, which says what all texts share and none means.

    Cosines are taken around it, as those of e5 are all between 0.7 and 1 by themselves.
    """

    demand_title: Vector
    demand_text: Vector
    achievement: Vector


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the ranking says of a pair.

    `value` is the expected grade, `score` the probability of grade 3 or 4, `grade` 1 to 4.
    `closeness` is the cosine of the demand's text and the achievement's around the middle, -1 to
    1, or None where there are no vectors.
    """

    value: float
    score: float
    grade: int
    closeness: float | None


def features(
    kind: ListKind, subject: Subject, others: Sequence[Subject], centers: Centers
) -> Floats:
    """The features of the pairs of a subject with records of the list `kind`, a row a pair.

    The columns are WORD_FEATURES and MEANING_FEATURES, the latter nan where vectors are missing.
    """
    meaning = np.full((len(others), len(MEANING_FEATURES)), np.nan)
    places = [at for at, one in enumerate(others) if _has_vectors(one)]
    if places and _has_vectors(subject):
        meaning[places] = _meaning_features(kind, subject, [others[at] for at in places], centers)
    return np.hstack([_word_features(subject.numbers, [one.numbers for one in others]), meaning])


def _word_features(own: Numbers, others: Sequence[Numbers]) -> Floats:
    """The sums of products over shared keys, a row for each of the others."""
    size = len(others), len(WORD_FEATURES)
    if not others or not len(own.keys):
        return np.zeros(size)
    keys = np.concatenate([one.keys for one in others])
    weights = np.concatenate([one.weights for one in others])
    places = np.minimum(np.searchsorted(own.keys, keys), len(own.keys) - 1)
    shared = np.flatnonzero(own.keys[places] == keys)
    rows = np.repeat(np.arange(len(others)), [len(one.keys) for one in others])[shared]
    columns = (keys[shared] & np.uint64(FEATURE_BITS)).astype(np.int64)
    products = own.weights[places[shared]].astype(np.float64) * weights[shared]
    sums = np.bincount(rows * size[1] + columns, products, minlength=size[0] * size[1])
    found: Floats = sums.reshape(size) / (UNIT * UNIT)
    return found


def _has_vectors(subject: Subject) -> bool:
    return subject.title_vector is not None and subject.text_vector is not None


def _meaning_features(
    kind: ListKind, subject: Subject, others: Sequence[Subject], centers: Centers
) -> Floats:
    """Cosines of the demand's title and text with the nearer of the achievement's two vectors."""
    demands, achievements = (others, [subject]) if kind is ListKind.DEMAND else ([subject], others)
    titles = _around([one.title_vector for one in demands], centers.demand_title)
    texts = _around([one.text_vector for one in demands], centers.demand_text)
    offered = [
        _around([one.title_vector for one in achievements], centers.achievement),
        _around([one.text_vector for one in achievements], centers.achievement),
    ]
    # One side has a single row, which goes with each row of the other.
    nearest = [
        np.max([(side * one).sum(axis=1) for one in offered], axis=0) for side in (titles, texts)
    ]
    return np.stack(nearest, axis=1)


def _around(vectors: Sequence[Vector | None], center: Vector) -> Floats:
    moved = np.array(vectors, np.float64) - center
    unit: Floats = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return unit


@dataclass(frozen=True, slots=True)
class Model:
    """Three logistic models, of a grade of at least 2, 3 and 4 (cumulative: McCullagh 1980).

    `weights` is (features, 3), `intercepts` (3). The expected grade is 1 and the sum of the three
    probabilities. The score is the probability of 3 or 4 given the expected grade, as it was
    found on demands not trained on: logistic(slope * value + offset); the cuts part the grades.
    """

    mean: Floats
    scale: Floats
    weights: Floats
    intercepts: Floats
    slope: float
    offset: float
    cuts: tuple[float, float, float]

    def values(self, found: Floats) -> Floats:
        """The expected grades of rows of features."""
        standard = (found - self.mean) / self.scale
        # Summed feature by feature, so that a pair's value is the same among whichever others.
        logits = (standard[:, :, None] * self.weights).sum(axis=1) + self.intercepts
        expected: Floats = 1 + logistic(logits).sum(axis=1)
        return expected

    def score(self, value: float) -> float:
        """The probability that an expert grades 3 or 4."""
        return 1 / (1 + math.exp(-(self.slope * value + self.offset)))

    def grade(self, value: float) -> int:
        """The grade that is shown."""
        return 1 + sum(value >= cut for cut in self.cuts)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Model":
        """A model out of the ranker's file."""
        return cls(
            mean=np.array(data["mean"]),
            scale=np.array(data["scale"]),
            weights=np.array(data["weights"]),
            intercepts=np.array(data["intercepts"]),
            slope=data["slope"],
            offset=data["offset"],
            cuts=tuple(data["cuts"]),
        )

    def data(self) -> dict[str, Any]:
        """The model as the ranker's file has it, to eight places."""
        return {
            "mean": self.mean.round(8).tolist(),
            "scale": self.scale.round(8).tolist(),
            "weights": self.weights.round(8).tolist(),
            "intercepts": self.intercepts.round(8).tolist(),
            "slope": round(self.slope, 8),
            "offset": round(self.offset, 8),
            "cuts": [round(cut, 8) for cut in self.cuts],
        }


def logistic(values: Any) -> Any:  # noqa: ANN401
    """1 / (1 + e^-x), elementwise."""
    return 1 / (1 + np.exp(-values))


@dataclass(frozen=True, slots=True)
class Ranker:
    """The learned ranking: a model with meaning, and one of words alone for want of vectors."""

    version: str
    centers: Centers
    full: Model
    words: Model
    close: float
    trained_on: frozenset[str]

    def judge(
        self, kind: ListKind, subject: Subject, candidates: Sequence[Subject]
    ) -> list[Judgement]:
        """Judge candidates out of the list `kind` for a subject out of the other one."""
        found = features(kind, subject, candidates, self.centers)
        has_meaning = ~np.isnan(found[:, -1])
        values = np.empty(len(candidates))
        values[has_meaning] = self.full.values(found[has_meaning])
        values[~has_meaning] = self.words.values(found[~has_meaning, : len(WORD_FEATURES)])
        return [
            Judgement(
                value,
                (model := self.full if full else self.words).score(value),
                model.grade(value),
                closeness if full else None,
            )
            for value, full, closeness in zip(
                values.tolist(), has_meaning.tolist(), found[:, -1].tolist(), strict=True
            )
        ]


@cache
def shipped() -> Ranker:
    """The ranker of the package."""
    text = files("kechuangtong.matching").joinpath("ranker.json").read_text(encoding="utf-8")
    return read_ranker(json.loads(text))


def read_centers(data: Mapping[str, Sequence[float]]) -> Centers:
    """Centers out of a ranker's file."""
    return Centers(**{name: np.array(one, np.float32) for name, one in data.items()})


def read_ranker(data: Mapping[str, Any]) -> Ranker:
    """A ranker out of its file's content. Raises ValueError where it is for other features."""
    if tuple(data["features"]) != WORD_FEATURES + MEANING_FEATURES:
        raise ValueError("the ranker was trained on other features")
    return Ranker(
        version=data["version"],
        centers=read_centers(data["centers"]),
        full=Model.of(data["full"]),
        words=Model.of(data["words"]),
        close=data["close"],
        trained_on=frozenset(data["trained_on"]["demands"]),
    )
