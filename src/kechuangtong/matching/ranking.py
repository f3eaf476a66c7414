"""How well an achievement fits a demand: features of the pair, and what learning made of them.

A feature stands on the two records and on how rare words are, never on other candidates, so a
pair has one score from either side. Nothing here knows a database or an index.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kechuangtong.core.trade import ListKind
from kechuangtong.matching.embedding import Vector
from kechuangtong.matching.profiles import GENERIC, Profile
from kechuangtong.matching.terms import gram_weight, word_weight

Floats = NDArray[np.float64]

WORD_FEATURES: Final = (
    "title_characters",
    "text_characters",
    "telling_characters",
    "text_bigrams",
    "shared_words",
)
MEANING_FEATURES: Final = ("title_meaning", "text_meaning")

GRAM_CHARACTERS: Final = 400


@dataclass(frozen=True)
class Subject:
    """One side of a pair: its profile and, where there is a model, its two vectors."""

    profile: Profile
    title_vector: Vector | None = None
    text_vector: Vector | None = None

    @cached_property
    def title_characters(self) -> dict[str, float]:
        """The title's characters."""
        return _grams(self.profile.title, 1)

    @cached_property
    def text_characters(self) -> dict[str, float]:
        """The text's characters."""
        return _grams(self.profile.text, 1)

    @cached_property
    def title_bigrams(self) -> dict[str, float]:
        """The title's pairs of characters."""
        return _grams(self.profile.title, 2)

    @cached_property
    def text_bigrams(self) -> dict[str, float]:
        """The text's pairs of characters."""
        return _grams(self.profile.text, 2)

    @cached_property
    def telling_characters(self) -> dict[str, float]:
        """The characters of the title's words that are not generic."""
        words = (word for word in self.profile.title_words if word not in GENERIC)
        return _grams("".join(words), 1)

    @cached_property
    def word_squares(self) -> dict[str, float]:
        """The squared weights of the text's words."""
        return {word: word_weight(word) ** 2 for word in self.profile.words}


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
    The demand's text is compared with the achievement's title, which says best what it is.
    """
    rows = np.full((len(others), len(WORD_FEATURES) + len(MEANING_FEATURES)), np.nan)
    for place, other in enumerate(others):
        demand, achievement = (subject, other) if kind is ListKind.ACHIEVEMENT else (other, subject)
        rows[place] = (
            *_word_features(demand, achievement),
            *_meaning_features(demand, achievement, centers),
        )
    return rows


def _word_features(demand: Subject, achievement: Subject) -> tuple[float, ...]:
    return (
        _cosine(demand.title_characters, achievement.title_characters),
        _cosine(demand.text_characters, achievement.title_characters),
        _cosine(demand.telling_characters, achievement.telling_characters),
        _cosine(demand.text_bigrams, achievement.title_bigrams),
        _shared_words(demand.profile.words, achievement.word_squares),
    )


def _meaning_features(
    demand: Subject, achievement: Subject, centers: Centers
) -> tuple[float, float]:
    """Cosines of the demand's title and text with the nearer of the achievement's two vectors."""
    if (
        demand.title_vector is None
        or demand.text_vector is None
        or achievement.title_vector is None
        or achievement.text_vector is None
    ):
        return np.nan, np.nan
    title = _around(demand.title_vector, centers.demand_title)
    text = _around(demand.text_vector, centers.demand_text)
    offered = [_around(achievement.title_vector, centers.achievement)]
    if achievement.profile.text_hash != achievement.profile.title_hash:
        offered.append(_around(achievement.text_vector, centers.achievement))
    return max(float(one @ title) for one in offered), max(float(one @ text) for one in offered)


def _around(vector: Vector, center: Vector) -> Vector:
    moved = vector - center
    unit: Vector = moved / np.float32(np.linalg.norm(moved))
    return unit


def _grams(text: str, length: int) -> dict[str, float]:
    """The runs of so many characters in the beginning of a text, weighted as tf-idf does."""
    text = text[:GRAM_CHARACTERS]
    runs = Counter(text[start : start + length] for start in range(len(text) - length + 1))
    return {
        run: (1 + math.log(times)) * gram_weight(run)
        for run, times in runs.items()
        if run.isalnum()
    }


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    norm = math.sqrt(sum(x * x for x in one.values()) * sum(x * x for x in other.values()))
    return (
        sum(one[gram] * other[gram] for gram in one.keys() & other.keys()) / norm if norm else 0.0
    )


def _shared_words(wanted: Sequence[str], offered: Mapping[str, float]) -> float:
    """The squared weights of the words in both, over the length of the achievement's own.

    Unlike a cosine it grows with what is shared, so that many rare words in common tell more.
    """
    total = sum(offered.values())
    return sum(offered.get(word, 0.0) for word in wanted) / math.sqrt(total) if total else 0.0


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
        expected: Floats = 1 + logistic(standard @ self.weights + self.intercepts).sum(axis=1)
        return expected

    def score(self, value: float) -> float:
        """The probability that an expert grades 3 or 4."""
        return float(logistic(self.slope * value + self.offset))

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
        judged = []
        for found in features(kind, subject, candidates, self.centers):
            has_meaning = not np.isnan(found[-1])
            model = self.full if has_meaning else self.words
            row = found if has_meaning else found[: len(WORD_FEATURES)]
            value = float(model.values(row[None, :])[0])
            closeness = float(found[-1]) if has_meaning else None
            judged.append(Judgement(value, model.score(value), model.grade(value), closeness))
        return judged


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
