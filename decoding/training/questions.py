"""Questions made from the sentences of technical documents: the answer is the sentence.

Most are the sentence's rarer words in one of several frames; where a sentence has a telling form
("To do X, ...", "X is ...", "If X, ...") the question is made from that form instead.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_'.-]*[A-Za-z0-9]")

_FRAMES = (
    "{}",
    "{}",
    "{}?",
    "{} meaning",
    "What is {}?",
    "What is said about {}?",
    "What does it say about {}?",
    "What about {}?",
    "How does {} work?",
    "How is {} done?",
    "How do I use {}?",
    "Why {}?",
    "When is {} used?",
    "Which {}?",
    "Explain {}.",
    "Tell me about {}.",
    "Is there anything on {}?",
    "Where does {} come from?",
)

_FORMS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"To ([a-z][^,.]{8,70}), "), ("How do I {}?", "How to {}", "How can I {}?")),
    (
        re.compile(r"You can ([a-z][^,.]{8,60}?) (?:by|using|with) "),
        ("How can I {}?", "How to {}?"),
    ),
    (
        re.compile(r"(?:If|When) ([a-z][^,.]{8,70}), "),
        ("What happens if {}?", "What happens when {}?"),
    ),
    (re.compile(r"([^,.]{12,80}?) because "), ("Why is it that {}?", "Why {}?")),
    (
        re.compile(r"(?:The |An? )?([A-Za-z`][^,.:]{2,45}?) (?:is|are) (?:the|an?|used|part) "),
        ("What is {}?", "What is a {}?", "what is the {}", "Define {}.", "What does {} mean?"),
    ),
    (
        re.compile(r"(?:The |An? )?([A-Za-z`][^,.:]{2,45}?) (?:allows|provides|returns|contains) "),
        ("What does {} do?", "What does the {} do?", "What is {} for?"),
    ),
)


def words_of(text: str) -> list[str]:
    """The words of ``text`` that a query could be made of."""
    return _WORD.findall(text)


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

    def overlap(self, query: str, text: str) -> float:
        """Summed rarity of the query's words that occur in ``text``, damped by its length."""
        present = {word.casefold() for word in words_of(text)}
        shared = {word.casefold() for word in words_of(query)} & present
        return sum(self(word) for word in shared) / math.pow(20 + len(present), 0.3)


def make_question(sentence: str, rarity: WordRarity, rng: random.Random) -> str | None:
    """A question that ``sentence`` answers, or None where it has too few telling words."""
    if rng.random() < 0.6:
        asked = _from_form(sentence, rng)
        if asked is not None:
            return asked
    words = list(dict.fromkeys(word for word in words_of(sentence) if rarity(word) > 1.2))
    if len(words) < 2:
        return None
    noisy = sorted(words, key=lambda word: -rarity(word) * rng.uniform(0.5, 1.0))
    chosen = set(noisy[: rng.randint(2, 5)])
    picked = [word for word in words if word in chosen]
    if rng.random() < 0.25:
        rng.shuffle(picked)
    query = " ".join(_altered(word, rng) for word in picked)
    return rng.choice(_FRAMES).format(query)


def _from_form(sentence: str, rng: random.Random) -> str | None:
    for pattern, frames in _FORMS:
        match = pattern.match(sentence)
        if match:
            return rng.choice(frames).format(" ".join(match.group(1).split()))
    return None


def _altered(word: str, rng: random.Random) -> str:
    """The word as someone else might type it: lower case, singular."""
    if rng.random() < 0.5:
        word = word.lower()
    if rng.random() < 0.15 and len(word) > 5 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    return word
