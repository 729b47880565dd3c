"""Questions made from a passage, each with the sentence or line that answers it, without a teacher.

A question comes of a heading, a definition, a telling form ("To do X, ..."), a sentence turned
around, its rare words, code, or a table; or of two sentences of which the second goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from quoth.decoding.training.clauses import asked_for_part, is_vague, yes_no_question
from quoth.decoding.training.code_lines import code_question, row_question
from quoth.decoding.training.headings import below, heading_question, headings_in
from quoth.decoding.training.questions import STOP_WORDS, keyword_query, phrase_of, words_of
from quoth.decoding.training.sentences import split_sentences

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from quoth.decoding.training.passages import Passage
    from quoth.decoding.training.questions import WordRarity
    from quoth.decoding.training.sentences import Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, and what of its passage answers, in this order."""

    question: str
    quotes: tuple[Range, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Page:
    """A passage with those of its sentences that can answer."""

    passage: Passage
    sentences: list[Range]
    rarity: WordRarity

    def text(self, span: Range) -> str:
        """The characters of a range."""
        return self.passage.text[span[0] : span[1]]


KINDS: Mapping[str, float] = {
    "heading": 0.22,
    "form": 0.16,
    "definition": 0.08,
    "part": 0.1,
    "yes-no": 0.07,
    "keywords": 0.22,
    "continued": 0.1,
    "code": 0.04,
    "row": 0.005,
}
"""How often each kind is asked: few passages give some of them, and would be seen too often."""

_FORMS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (
        re.compile(r"(?:In order t|T)o ([a-z][^,.:]{8,70}), "),
        ("How do I {}?", "How to {}", "How can I {}?", "how do you {}", "What must I do to {}?"),
    ),
    (
        re.compile(r"You (?:can|may)(?: also)? ([a-z][^,.:]{8,60}?) (?:by|using|with) "),
        ("How can I {}?", "How to {}?", "how do I {}", "What can I {} with?"),
    ),
    (
        re.compile(r"Use (?:the )?[`\"\w][^,.:]{2,40}? to ([a-z][^,.:]{8,60})[,.]"),
        ("How do I {}?", "What do I use to {}?", "how to {}", "What is there to {}?"),
    ),
    (
        re.compile(r"(?:If|When) ([a-z][^,.:]{8,70}), "),
        ("What happens if {}?", "What happens when {}?", "what if {}"),
    ),
    (re.compile(r"([^,.:;]{12,80}?) because "), ("Why is it that {}?", "why {}", "Why {}?")),
)
_DEFINED = re.compile(
    r"(?:The |An? )?((?:[`*\"]{0,3}[\w.`*\"'/<>:+#-]+ ?){1,5}?) "
    r"(?:(?:is|are) (?:the|an?|used to|one of|part of|any)|refers to|means|stands for|represents)"
    r" \w"
)
_NO_NAME = re.compile(
    r"'s\b|\bof the\b|^\w+ing\b|^\w+ly\b|\b(?:that|which|who|of these|purpose|reason|following|next"
    r"|pretty|(?:case|example|way|thing|result|goal|idea|approach|solution|problem)$)\b"
)
_LABELLED = re.compile(
    r"[`*\"]{1,3}([^`*\"\n]{2,40}?):?[`*\"]{1,3}[ \n]*(?:[-:\u2013\u2014]|\(|is\b|are\b)"
)
_DEFINITION = (
    "What is {}?",
    "what is {}",
    "What does {} mean?",
    "Define {}.",
    "{}",
    "What is meant by {}?",
    "definition of {}",
)
_GOING_ON = re.compile(
    r"(?:This|These|It|They|However|Therefore|Thus|For example|Otherwise|Instead|In this case"
    r"|That|So|Then"
    r"|As a result|Consequently|Because|Such|But|Note that|If not|In other words|Also|Similarly)\b"
)
_IN_FULL = (
    "Explain {}.",
    "explain {} in detail",
    "Tell me more about {}.",
    "Describe {}.",
    "What is there to know about {}, and why?",
    "how and why {}",
)
_NOT_TELLING = re.compile(
    r"={3}|-{3}|\||\[\d|\]_|\]:|::|^\W*\w+://|[{};]$|^\.\. |^:\w+:|^r\[|<[a-z]+[ >]"
)
_ASKED_FOR: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"\b(?:19|20)\d\d\b"), ("when {}", "what year {}", "date {}", "when was {}?")),
    (
        re.compile(r"\bv?\d+\.\d+(?:\.\d+)*\b"),
        ("which version {}", "since which version {}", "version of {}?", "what version {}?"),
    ),
    (re.compile(r"\$[\d,.]+\d|\b\d+(?:\.\d+)?(?:%| percent)"), ("how much {}", "how much {}?")),
    (
        re.compile(r"\b\d[\d,]* (?P<noun>(?:[a-z]{3,} )?[a-z]{3,}s)\b"),
        ("how many {}", "how many {}?"),
    ),
)
_TELLING, _RARE, _FEW = 1.5, 3.0, 5
_MAX_CHARS, _MIN_CHARS, _MIN_WORDS = 400, 30, 5


def page_of(passage: Passage, rarity: WordRarity) -> Page:
    """The passage with its telling sentences."""
    text = passage.text
    return Page(passage, [s for s in split_sentences(text) if is_telling(text[slice(*s)])], rarity)


def ask(page: Page, kind: str, rng: random.Random) -> Asked | None:
    """A question of this kind that the passage answers, or None where it gives none."""
    asked = _MAKERS[kind](page, rng)
    return asked if asked and _is_sound(asked, page) else None


def is_telling(sentence: str) -> bool:
    """Whether a sentence is prose, long enough to say something and short enough to quote."""
    if not _MIN_CHARS <= len(sentence) <= _MAX_CHARS or _NOT_TELLING.search(sentence):
        return False
    words = words_of(sentence)
    is_begun = sentence.lstrip("`*\"'([_")[:1]
    letters = sum(char.isalpha() or char.isspace() for char in sentence)
    is_prose = letters >= 0.75 * len(sentence) and (is_begun.isupper() or is_begun.isdigit())
    return is_prose and len(words) >= _MIN_WORDS and sentence.rstrip("`*\"')_").endswith((".", "!"))


def _is_sound(asked: Asked, page: Page) -> bool:
    """Whether someone could ask it, and the answer is no mere echo of the question."""
    words = words_of(asked.question)
    if not words or len(asked.question) > 160 or all(w.casefold() in STOP_WORDS for w in words):
        return False
    if asked.kind == "yes-no":
        return True
    said = {word.casefold() for span in asked.quotes for word in words_of(page.text(span))}
    return bool(said - {word.casefold() for word in words} - STOP_WORDS)


def _heading(page: Page, rng: random.Random) -> Asked | None:
    found = headings_in(page.passage.text)
    rng.shuffle(found)
    for title, end in found:
        span = below(page.sentences, end)
        if span is None or span[0] - end > 120:
            continue
        question = heading_question(title, page.passage.subject, rng)
        if question:
            return Asked(question=question, quotes=(span,), kind="heading")
    return None


def _by_sentence(
    make: Callable[[str, Page, random.Random], str | None], kind: str
) -> Callable[[Page, random.Random], Asked | None]:
    def maker(page: Page, rng: random.Random) -> Asked | None:
        for span in rng.sample(page.sentences, len(page.sentences)):
            question = make(page.text(span), page, rng)
            if question:
                return Asked(question=question, quotes=(span,), kind=kind)
        return None

    return maker


def _form(sentence: str, _page: Page, rng: random.Random) -> str | None:
    for pattern, frames in _FORMS:
        match = pattern.match(sentence)
        if match:
            thing = " ".join(match[1].split())
            return rng.choice(frames).format(thing[:1].lower() + thing[1:])
    return None


def _definition(sentence: str, page: Page, rng: random.Random) -> str | None:
    match = _LABELLED.match(sentence) or _DEFINED.match(sentence)
    if match is None or is_vague(sentence.lstrip('`*"')):
        return None
    name = " ".join(match[1].strip('`*" ').split())
    words = name.casefold().split()
    if not words or {words[0], words[-1]} & STOP_WORDS or not words_of(name):
        return None
    if len(words) == 1 and page.rarity(words[0]) < _RARE:
        return None
    if _NO_NAME.search(name) or name.count("`") % 2 or name.count("*") % 2:
        return None
    question = rng.choice(_DEFINITION).format(name)
    is_plural = name.endswith("s") and not name.endswith(("ss", "us", "is"))
    return question.replace("hat is", "hat are") if is_plural else question


def _part(sentence: str, page: Page, rng: random.Random) -> str | None:
    """A question for the time, number or name in a sentence, whole or in a few words."""
    whole = asked_for_part(sentence, rng)
    if whole:
        return whole
    for pattern, frames in _ASKED_FOR:
        match = pattern.search(sentence)
        if match:
            rest = sentence[: match.start()] + " " + sentence[match.end() :]
            words = list(dict.fromkeys(w for w in words_of(rest) if page.rarity(w) > _TELLING))
            begin = rng.randint(0, max(0, len(words) - _FEW))
            few = words[begin : begin + rng.randint(3, _FEW)]
            noun = match.groupdict().get("noun")
            asked = " ".join([noun, *few] if noun else few)
            return rng.choice(frames).format(asked) if len(few) > 1 else None
    return None


def _continued(page: Page, rng: random.Random) -> Asked | None:
    """Two neighbouring sentences, of which the second goes on with the first."""
    text = page.passage.text
    pairs = [
        (first, second)
        for first, second in pairwise(page.sentences)
        if _GOING_ON.match(page.text(second))
        and text[first[1] : second[0]] in (" ", "\n", "  ")
        and not _GOING_ON.match(page.text(first))
    ]
    if not pairs:
        return None
    first, second = rng.choice(pairs)
    thing = phrase_of(page.text(first), page.rarity, rng)
    if thing is None:
        return None
    question = rng.choice(_IN_FULL).format(thing)
    return Asked(question=question, quotes=(first, second), kind="continued")


def _line(
    make: Callable[[str, random.Random], tuple[str, Range] | None], kind: str
) -> Callable[[Page, random.Random], Asked | None]:
    def maker(page: Page, rng: random.Random) -> Asked | None:
        found = make(page.passage.text, rng)
        return Asked(question=found[0], quotes=(found[1],), kind=kind) if found else None

    return maker


_MAKERS: Mapping[str, Callable[[Page, random.Random], Asked | None]] = {
    "heading": _heading,
    "form": _by_sentence(_form, "form"),
    "definition": _by_sentence(_definition, "definition"),
    "part": _by_sentence(_part, "part"),
    "yes-no": _by_sentence(lambda text, _page, _rng: yes_no_question(text), "yes-no"),
    "keywords": _by_sentence(
        lambda text, page, rng: keyword_query(text, page.rarity, rng), "keywords"
    ),
    "continued": _continued,
    "code": _line(code_question, "code"),
    "row": _line(row_question, "row"),
}
