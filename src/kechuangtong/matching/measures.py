"""Measures of a ranking against experts' grades, and how sure they are.

Gains are 2^(grade-1)-1 (Burges et al. 2005), discounts 1/log2(rank+1) (Järvelin, Kekäläinen 2002).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

RELEVANT: Final = 3
# Demands with fewer graded achievements are left out of what is measured on their order.
ENOUGH: Final = 5
_SAMPLES: Final = 2_000
_SEED: Final = 20_260_101


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the range that holds 95 % of its values over resampled demands."""

    value: float
    low: float
    high: float


def ndcg(grades: Sequence[int], at: int) -> float:
    """nDCG of grades in the order of a ranking, of its first `at`."""
    gains = 2.0 ** (np.asarray(grades, float) - 1) - 1
    best = np.sort(gains)[::-1]
    discounts = 1 / np.log2(np.arange(2, at + 2))
    ideal = float(best[:at] @ discounts[: len(best[:at])])
    return float(gains[:at] @ discounts[: len(gains[:at])]) / ideal if ideal else 0.0


def auc(grades: Sequence[int]) -> float | None:
    """The share of (relevant, other) pairs in the right order; None without both sorts."""
    relevant = np.asarray(grades) >= RELEVANT
    wanted, others = int(relevant.sum()), int((~relevant).sum())
    if not wanted or not others:
        return None
    below = np.cumsum((~relevant)[::-1])[::-1]
    return float(below[relevant].sum()) / (wanted * others)


def bootstrap(
    count: int, statistic: Callable[[NDArray[np.int64]], float | None]
) -> Estimate | None:
    """A statistic of the demands with these indexes, and its range; None where it has no value.

    Demands are drawn anew with replacement 2,000 times, always the same draws.
    """
    value = statistic(np.arange(count)) if count else None
    if value is None:
        return None
    random = np.random.default_rng(_SEED)
    drawn = [statistic(random.integers(0, count, count)) for _ in range(_SAMPLES)]
    low, high = np.percentile([one for one in drawn if one is not None], [2.5, 97.5])
    return Estimate(value, float(low), float(high))
