"""The yardstick: BM25 (Robertson and Zaragoza 2009) over lower-case words, and nothing else."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

_WORD = re.compile(r"[a-z0-9]+")
_STOPWORDS = (
    "a an and are as at be but by can do does for from had has have he how if in into is it its no "
    "not of on or s she such t that the their then there these they this to was we were what which "
    "who will with"
)
_IGNORED = frozenset(_STOPWORDS.split())


class PlainBm25:
    """Ranks texts, given once. `k1` is how soon a repeated word stops to count."""

    def __init__(self, texts: Sequence[str], *, k1: float = 1.2, b: float = 0.75) -> None:
        self._k1 = k1
        self._b = b
        self._places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._lengths = []
        for place, text in enumerate(texts):
            counts = Counter(words(text))
            self._lengths.append(counts.total())
            for word, count in counts.items():
                self._places[word].append((place, count))
        self._mean = sum(self._lengths) / max(1, len(self._lengths))

    def search(self, query: str, k: int) -> list[int]:
        """The places of the best `k` texts that share a word with the query, best first."""
        scores = self.scores(query)
        return sorted(scores, key=lambda place: (-scores[place], place))[:k]

    def scores(self, query: str) -> dict[int, float]:
        """The scores of the texts that share a word with the query, by place."""
        scores: dict[int, float] = defaultdict(float)
        for word in words(query):
            found = self._places.get(word, ())
            weight = math.log(1 + (len(self._lengths) - len(found) + 0.5) / (len(found) + 0.5))
            for place, count in found:
                norm = 1 - self._b + self._b * self._lengths[place] / self._mean
                scores[place] += weight * count * (self._k1 + 1) / (count + self._k1 * norm)
        return scores


def words(text: str) -> list[str]:
    """The words that count."""
    return [word for word in _WORD.findall(text.lower()) if word not in _IGNORED]
