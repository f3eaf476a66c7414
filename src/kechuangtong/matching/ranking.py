"""How well an achievement fits a demand: features of the pair, and what learning made of them.

A feature stands on the two records and on how rare words are, never on other candidates, so a
pair has one score from either side. Nothing here knows a database or an index.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kechuangtong.core.trade import ListKind
from kechuangtong.matching.embedding import Vector
from kechuangtong.matching.profiles import Profile
from kechuangtong.matching.terms import GENERIC, gram_weight

Weight = Callable[[str], float]
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


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the ranking says of a pair.

    `value` is the predicted grade, `score` the probability of grade 3 or 4, `grade` 1 to 4.
    `closeness` is the cosine of the demand's text and the achievement's, where it was measured.
    """

    value: float
    score: float
    grade: int
    closeness: float | None


def features(demand: Subject, achievement: Subject, weight: Weight) -> list[float]:
    """The features of a pair, WORD_FEATURES and, where both have vectors, MEANING_FEATURES.

    The demand's text is compared with the achievement's title, which says best what it is.
    """
    found = [
        _cosine(demand.title_characters, achievement.title_characters),
        _cosine(demand.text_characters, achievement.title_characters),
        _cosine(demand.telling_characters, achievement.telling_characters),
        _cosine(demand.text_bigrams, achievement.title_bigrams),
        _shared_words(demand.profile.words, achievement.profile.words, weight),
    ]
    meaning = closeness(demand, achievement)
    return found if meaning is None else [*found, *meaning]


def closeness(demand: Subject, achievement: Subject) -> tuple[float, float] | None:
    """Cosines of the demand's title and text with the nearer of the achievement's two vectors."""
    if (
        demand.title_vector is None
        or demand.text_vector is None
        or achievement.title_vector is None
        or achievement.text_vector is None
    ):
        return None
    offered = np.stack([achievement.title_vector, achievement.text_vector])
    return float(np.max(offered @ demand.title_vector)), float(np.max(offered @ demand.text_vector))


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


def _shared_words(wanted: Sequence[str], offered: Sequence[str], weight: Weight) -> float:
    """The squared weights of the words in both, over the length of the achievement's own.

    Unlike a cosine it grows with what is shared, so that many rare words in common tell more.
    """
    squares = {word: weight(word) ** 2 for word in offered}
    total = sum(squares.values())
    return sum(squares.get(word, 0.0) for word in wanted) / math.sqrt(total) if total else 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """A linear model of the grade, its calibration and its cuts.

    grade value = intercept + sum(weight * (feature - mean) / scale);
    probability of 3 or 4 = logistic(slope * value + offset); the three cuts part the four grades.
    """

    mean: Floats
    scale: Floats
    weights: Floats
    intercept: float
    slope: float
    offset: float
    cuts: tuple[float, float, float]

    def value(self, found: Floats) -> Floats:
        """Predicted grades of rows of features."""
        value: Floats = ((found - self.mean) / self.scale) @ self.weights + self.intercept
        return value

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
            intercept=data["intercept"],
            slope=data["slope"],
            offset=data["offset"],
            cuts=tuple(data["cuts"]),
        )

    def data(self) -> dict[str, Any]:
        """The model as the ranker's file has it, to eight places."""
        return {
            "mean": _rounded(self.mean),
            "scale": _rounded(self.scale),
            "weights": _rounded(self.weights),
            "intercept": round(self.intercept, 8),
            "slope": round(self.slope, 8),
            "offset": round(self.offset, 8),
            "cuts": [round(cut, 8) for cut in self.cuts],
        }


def _rounded(numbers: Floats) -> list[float]:
    return [round(float(one), 8) for one in numbers]


@dataclass(frozen=True, slots=True)
class Ranker:
    """The learned ranking: a model with meaning, and one of words alone for want of vectors."""

    version: str
    full: Model
    words: Model
    close: float
    trained_on: frozenset[str]

    def judge(
        self, kind: ListKind, subject: Subject, candidates: list[Subject], weight: Weight
    ) -> list[Judgement]:
        """Judge candidates out of the list `kind` for a subject out of the other one."""
        judged = []
        for candidate in candidates:
            pair = (subject, candidate) if kind is ListKind.ACHIEVEMENT else (candidate, subject)
            found = np.array(features(*pair, weight))
            has_meaning = len(found) > len(WORD_FEATURES)
            model = self.full if has_meaning else self.words
            value = float(model.value(found))
            judged.append(
                Judgement(
                    value=value,
                    score=model.score(value),
                    grade=model.grade(value),
                    closeness=float(found[-1]) if has_meaning else None,
                )
            )
        return judged


@cache
def shipped() -> Ranker:
    """The ranker of the package."""
    text = files("kechuangtong.matching").joinpath("ranker.json").read_text(encoding="utf-8")
    return read_ranker(json.loads(text))


def read_ranker(data: Mapping[str, Any]) -> Ranker:
    """A ranker out of its file's content. Raises ValueError where it is for other features."""
    if tuple(data["features"]) != WORD_FEATURES + MEANING_FEATURES:
        raise ValueError("the ranker was trained on other features")
    return Ranker(
        version=data["version"],
        full=Model.of(data["full"]),
        words=Model.of(data["words"]),
        close=data["close"],
        trained_on=frozenset(data["trained_on"]["demands"]),
    )
