"""BM25 as its authors describe it, to compare with: a baseline, not part of the ranking."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kechuangtong.core.text import words

# The usual parameters (Robertson, Zaragoza 2009).
_K1: Final = 1.2
_B: Final = 0.75


class Bm25:
    """Texts that are scored for a query."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(words(text)) for text in texts]
        lengths = np.array([sum(one.values()) for one in counts], float)
        self._norms = _K1 * (1 - _B + _B * lengths / max(lengths.mean(), 1e-9))
        self._postings: dict[str, list[tuple[int, int]]] = {}
        for place, one in enumerate(counts):
            for word, times in one.items():
                self._postings.setdefault(word, []).append((place, times))

    def scores(self, query: str) -> NDArray[np.float64]:
        """The score of every text."""
        total = len(self._norms)
        found = np.zeros(total)
        for word, wanted in Counter(words(query)).items():
            postings = self._postings.get(word)
            if not postings:
                continue
            standing = len(postings)
            rarity = math.log(1 + (total - standing + 0.5) / (standing + 0.5))
            places, times = np.array(postings).T
            found[places] += wanted * rarity * times * (_K1 + 1) / (times + self._norms[places])
        return found
