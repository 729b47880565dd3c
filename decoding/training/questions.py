"""Words that tell texts apart, and the queries that people type with them."""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_'.-]*[A-Za-z0-9]")
_TELLING = 1.2  # inverse document frequency

_WORD_FRAMES = ("{}", "{}", "{}", "{}?", "{} explained", "anything on {}", "where is {} described")
_THING = re.compile(
    r"(?<![\w'])(?:the|an?|each|any|no|of|for|with|every|new)(?= )(?! (?:following|same|other)\b)"
    r"(?= ([\w`*.'/-]+(?: [\w`*.'/-]+)*))",
    re.IGNORECASE,
)
_NO_END = re.compile(r"(?:\w\w(?:ing|ed|ly|ize|ise)|es)$")
_MAX_PHRASE = 3
_RARE = 3.5
_PHRASE_FRAMES = (
    "{}",
    "{}?",
    "What about {}?",
    "What does it say about {}?",
    "What is said about {}?",
    "What do the documents say about {}?",
    "Is there anything about {}?",
    "What should I know about {}?",
    "info on {}",
    "What is written about {}?",
)
_STOP = """
a about after all also an and any are as at be because been before being but by can could did do
does each for from had has have he her his how i if in into is it its may might more most must no
not of on one only or other our out over she should since so some such than that the their them
then there these they this those to under until up upon use used uses using was we were what when
within during between through against across per via around instead rather whether
where which while who whose why will with without would you your
"""
STOP_WORDS = frozenset(_STOP.split())


def words_of(text: str) -> list[str]:
    """The words of ``text`` that a query could be made of."""
    return _WORD.findall(text)


def folded(text: str) -> frozenset[str]:
    """The case-folded words of ``text``."""
    return frozenset(sys.intern(word.casefold()) for word in words_of(text))


class WordRarity:
    """Inverse document frequencies of case-folded words."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Count in how many of ``texts`` each word occurs."""
        counts: Counter[str] = Counter()
        self._num_texts = 0
        for text in texts:
            counts.update({word.casefold() for word in words_of(text)})
            self._num_texts += 1
        self._counts: dict[str, int] = dict(counts)

    def __call__(self, word: str) -> float:
        """The weight of one word; unseen words are the rarest."""
        return math.log((self._num_texts + 1) / (self._counts.get(word.casefold(), 0) + 0.5))

    def is_common(self, word: str, *, share: float) -> bool:
        """Whether at least ``share`` of the texts have the word."""
        return self._counts.get(word.casefold(), 0) >= share * self._num_texts

    def overlap(self, query: str, text: str) -> float:
        """Summed rarity of the query's words that occur in ``text``, damped by its length."""
        return self.overlap_of(folded(query), folded(text))

    def overlap_of(self, query: AbstractSet[str], present: AbstractSet[str]) -> float:
        """The same of case-folded words."""
        return sum(map(self, sorted(query & present))) / math.pow(20 + len(present), 0.3)


def keyword_query(sentence: str, rarity: WordRarity, rng: random.Random) -> str | None:
    """A query of rare words, or of a phrase around one; None where the sentence has too few."""
    words = list(dict.fromkeys(word for word in words_of(sentence) if rarity(word) > _TELLING))
    if len(words) < 2:
        return None
    if rng.random() < 0.5:
        phrase = phrase_of(sentence, rarity, rng)
        return rng.choice(_PHRASE_FRAMES).format(phrase) if phrase else None
    noisy = sorted(words, key=lambda word: -rarity(word) * rng.uniform(0.5, 1.0))
    chosen = set(noisy[: rng.randint(2, 5)])
    picked = [word for word in words if word in chosen]
    if rng.random() < 0.2:
        rng.shuffle(picked)
    return rng.choice(_WORD_FRAMES).format(" ".join(picked))


def phrase_of(sentence: str, rarity: Callable[[str], float], rng: random.Random) -> str | None:
    """What a sentence speaks of: one to three words after an article or the like, up to a verb."""
    flat = " ".join(sentence.split())
    found = []
    for match in _THING.finditer(flat):
        words = match[1].split()[:_MAX_PHRASE]
        while words and (_NO_END.search(words[-1]) or words[-1].casefold() in STOP_WORDS):
            words.pop()
        inner = [place for place, word in enumerate(words) if word.casefold() in STOP_WORDS]
        words = [word.strip("`*.,'\"") for word in (words[: inner[0]] if inner else words)]
        weights = [rarity(word) for word in words if words_of(word)]
        if weights and (len(weights) > 1 or weights[0] > _RARE):
            found.append((max(weights) * rng.uniform(0.6, 1.0), " ".join(words)))
    return max(found)[1] if found else None
