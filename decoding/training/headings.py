"""Questions made from headings: the first telling sentence below one answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from quoth.decoding.training.passages import heading_of

if TYPE_CHECKING:
    import random

    from quoth.decoding.training.sentences import Range

_LINES = re.compile(r"(?:^|\n\n)(?P<block>[^\n]+(?:\n[^\n]+){0,2})")
_BARE = (
    re.compile(
        r"(?:Example|Step|Part|Chapter|Section|Appendix|Lesson|Task) ?[A-Z\d.]*"
        r"\s*[:.\-\u2013\u2014]+\s*"
    ),
    re.compile(r"^(?:[A-Z]?\d+(?:\.\d+)*\.?|[A-Z]\.)\s+"),
    re.compile(r"\s*(?:\{#[^}]*\}|\[[^\]]*\]|:$|\(\d+\)$)"),
)
_GENERIC_WORDS = """
abstract acknowledgements alternatives arguments author authors background changelog conclusion
copyright description details discussion drawbacks example examples footnotes future history
inputs introduction issues links motivation motivations notes notice outputs overview parameters
problem pronouncement proposal rationale references rejected related semantics specification
summary syntax synopsis usage version versions note warning tip important resources content
contents output input results questions todo background: detailed design reference-level
guide-level explanation prior art unresolved possibilities ideas backwards backward open common
security implications how to teach this technical features remarks element elements default
interface appendix misc miscellaneous general basics and of the for implementation compatibility
prerequisites none status
"""
_GENERIC = frozenset(_GENERIC_WORDS.split())
_VERBS = """
add build change check choose configure connect convert copy create debug define delete deploy
disable display enable export extend find fix format generate get give handle import install join
list load make manage merge migrate monitor move open organize override package publish read
remove rename replace request restore return run save search secure select send set show sort
specify start stop store submit switch test update upgrade upload use validate verify view work
write
"""
_ASKING = re.compile(
    r"(?:what|why|how|when|where|who|which|can|do|does|is|are|should)\b", re.IGNORECASE
)
_DOING = (
    "How do I {}?",
    "how to {}",
    "How can I {}?",
    "How to {}?",
    "How would I {}?",
    "how do you {}",
)
_WITHIN = (
    "What does {subject} say about {thing}?",
    "{subject} {thing}",
    "{thing} in {subject}",
    "{subject}: {thing}?",
    "What is {thing} in {subject}?",
)
_THING = (
    "What is {thing}?",
    "what is {thing}",
    "{thing}",
    "{thing}?",
    "What is meant by {thing}?",
    "How does {thing} work?",
    "Can you tell me about {thing}?",
    "What about {thing}?",
)
_MAX_WORDS = 9
_ALSO_NOUNS = frozenset(
    {"build", "change", "check", "copy", "debug", "display", "export", "find", "format", "import"}
    | {"install", "list", "load", "package", "request", "return", "run", "search", "set", "sort"}
    | {"start", "stop", "store", "switch", "test", "update", "upload", "use", "view", "work"}
)
_ARTICLES = frozenset({"a", "an", "the", "all", "your", "multiple", "several", "each", "only"})


def _gerund(verb: str) -> str:
    if verb in {"get", "set", "run", "stop", "submit", "debug"}:
        return f"{verb}{verb[-1]}ing"
    return f"{verb[:-1]}ing" if verb.endswith("e") else f"{verb}ing"


_BASE = {_gerund(verb): verb for verb in _VERBS.split()} | {verb: verb for verb in _VERBS.split()}


def headings_in(passage: str) -> list[tuple[str, int]]:
    """Each heading of a passage, and where it ends."""
    found = []
    for match in _LINES.finditer(passage):
        title = heading_of(match["block"])
        if title is None and "\n" in match["block"]:
            continue
        if title:
            found.append((title, match.end()))
    return found


def heading_question(title: str, subject: str, rng: random.Random) -> str | None:
    """A question that what stands below the heading answers; None where it says too little."""
    for pattern in _BARE:
        title = pattern.sub("", title).strip()
    words = title.split()
    is_generic = all(word.casefold() in _GENERIC for word in words)
    if is_generic or len(words) > _MAX_WORDS or not any(char.isalpha() for char in title):
        return None
    if title.endswith("?") or (_ASKING.match(title) and len(words) >= 4):
        return title
    if deed := _deed(words):
        return rng.choice(_DOING).format(deed) if len(words) > 1 else None
    is_within = subject and subject.casefold() not in title.casefold() and rng.random() < 0.3
    return _about(_WITHIN if is_within else _THING, title, subject, rng)


def _deed(words: list[str]) -> str | None:
    """What a heading tells one to do: "Installing a lamp" and "Install a lamp" alike."""
    verb = words[0].casefold()
    is_told = len(words) > 2 and words[1] in _ARTICLES and not verb.endswith("ing")
    if verb in _ALSO_NOUNS and not is_told and len(words) < 4:
        return None
    base = _BASE.get(verb, verb if is_told else None)
    return " ".join([base, *_lowered(words[1:])]) if base else None


def _about(frames: tuple[str, ...], title: str, subject: str, rng: random.Random) -> str:
    words = title.split()
    thing = " ".join(_lowered(words)) if len(words) > 1 else title
    frame = rng.choice(frames)
    if words[-1].endswith("s") and not words[-1].endswith(("ss", "us", "is")):
        frame = frame.replace("hat is {", "hat are {").replace("How does {", "How do {")
    return frame.format(thing=thing, subject=subject)


def _lowered(words: list[str]) -> list[str]:
    """Without the capitals of a heading; names and acronyms keep theirs."""
    return [word.lower() if re.fullmatch(r"[A-Z][a-z]+", word) else word for word in words]


def below(sentences: list[Range], end: int) -> Range | None:
    """The first sentence that begins after ``end``."""
    return next((span for span in sentences if span[0] >= end), None)
