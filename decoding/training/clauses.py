"""Questions that turn a sentence around: what, when, how many, which, and yes or no.

Only main clauses of a plain form are turned, by their auxiliary verb or by a subject that is asked
for; sentences of other forms give none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from quoth.decoding.training.questions import STOP_WORDS

if TYPE_CHECKING:
    import random

_AUXILIARY = re.compile(
    r"(?P<subject>[^,;:()\n]{2,60}?) (?P<verb>is|are|was|were|can|must|should|will|may)"
    r" (?P<rest>.+)"
)
_END = re.compile(
    r"[,;:(]| -+ | \u2013 | \u2014| because | so that | which | but | although | unless | while "
    r"|\.(?:\s|$)"
)
_RELATIVE = re.compile(
    r"\b(?:that|which|who|if|when|because|where|there|what|how|why|as|and|but|not|while|since)\b",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"(?:this|that|these|those|it|its|they|their|he|she|his|her|we|our|you|your|one|i|my|there|here|"
    r"so|thus|then|also|such|some|both|another|other|others|"
    r"the (?:first|second|third|last|latter|former|same|following|above|difference|only)|"
    r"most|many|all of)\b",
    re.IGNORECASE,
)
_ARTICLE = re.compile(
    r"(?:The|An?|Each|Every|All|Any|In|If|When|For|Most|New|No|Several|Many|Few|Different|Multiple"
    r"|[A-Z][a-z]+ing)\b"
)
_MAX_WORDS = 14
_MIN_WORDS = 3

_YEAR = re.compile(
    r" (?:in|on|since|by|until|from) "
    r"(?:(?:\d{1,2} )?(?:January|February|March|April|May|June|July|August"
    r"|September|October|November|December)(?: \d{1,2},?)? )?(?:19|20)\d\d\b"
)
_NUMBER = re.compile(
    r" (?:\d[\d,]*|two|three|four|five|six|seven|eight|nine|ten) (?P<noun>[a-z]{3,}s)\b"
)
_NAMED = re.compile(
    r"(?:The )?[`\"]{1,2}(?P<name>[^`\"\s]{2,40})[`\"]{1,2} (?P<noun>[a-z]{4,}) "
    r"(?P<rest>[a-z]+s .+)"
)
_SUBJECT = re.compile(
    r"(?:The )?(?P<name>[`\"]{0,2}[A-Za-z_][\w.:<>-]+[`\"]{0,2}) "
    r"(?P<rest>(?:provides|allows|returns|contains|specifies|defines|creates|removes|adds|sets|gets|"
    r"runs|lets|supports|describes|requires|determines|controls|represents|causes|accepts|"
    r"handles|stores|shows|displays|proposes|introduces|includes) .+)"
)
_BY = re.compile(r" by (?P<name>[A-Z][a-z]+ [A-Z][a-z]+)\b")
_VERSION = re.compile(r" (?:in|with|since|from|to) (?P<noun>[A-Z][A-Za-z]+) v?\d+\.\d[\d.]*\b")


def clipped(text: str, *, least: int = _MIN_WORDS) -> str | None:
    """The beginning of a clause up to where another begins; None if it is short or long."""
    flat = " ".join(text.split())
    end = _END.search(flat)
    words = (flat[: end.start()] if end else flat.rstrip(".!?")).split()
    if not least <= len(words) <= _MAX_WORDS or words[-1].casefold() in STOP_WORDS:
        return None
    clause = " ".join(words)
    is_whole = all(clause.count(mark) % 2 == 0 for mark in '`"*')
    return clause if is_whole and clause.count("[") == clause.count("]") else None


def uncapitalised(text: str) -> str:
    """Without the capital that only the beginning of a sentence gives."""
    first = text.split(" ", 1)[0]
    is_name = (
        not re.fullmatch(r"[A-Z][a-z]*(?:ing|ly)?", first) or first.casefold() not in STOP_WORDS
    )
    return text[:1].lower() + text[1:] if _ARTICLE.match(text) or not is_name else text


def is_vague(subject: str) -> bool:
    """Whether one must have read what comes before to know what is meant."""
    return bool(_VAGUE.match(subject))


def yes_no_question(sentence: str) -> str | None:
    """'The lock must be held.' gives 'Must the lock be held?'."""
    parts = _turned(sentence)
    if parts is None:
        return None
    subject, verb, rest = parts
    verb = {"may": "can"}.get(verb, verb)
    rest = rest.removeprefix("not ").removeprefix("also ")
    if rest.startswith("that "):
        return None
    return f"{verb.capitalize()} {subject} {rest}?"


def asked_for_part(sentence: str, rng: random.Random) -> str | None:
    """A question for the time, number, maker, version or name that the sentence gives."""
    makers = [_for_time, _for_version, _for_maker, _for_number, _for_subject]
    rng.shuffle(makers)
    return next((asked for make in makers if (asked := make(sentence, rng))), None)


def _turned(sentence: str) -> tuple[str, str, str] | None:
    match = _AUXILIARY.match(" ".join(sentence.split()))
    if match is None:
        return None
    subject, rest = match["subject"], clipped(match["rest"], least=2)
    if rest is None or is_vague(subject) or _RELATIVE.search(subject) or len(subject.split()) > 7:
        return None
    return uncapitalised(subject), match["verb"], rest


def _without(sentence: str, pattern: re.Pattern[str]) -> tuple[re.Match[str], str] | None:
    flat = " ".join(sentence.split())
    match = pattern.search(flat)
    return (match, flat[: match.start()] + flat[match.end() :]) if match else None


def _for_time(sentence: str, rng: random.Random) -> str | None:
    found = _without(sentence, _YEAR)
    parts = _turned(found[1]) if found else None
    if parts is None:
        return None
    asked = rng.choice(("When", "In which year", "when"))
    return f"{asked} {parts[1]} {parts[0]} {parts[2]}?"


def _for_version(sentence: str, rng: random.Random) -> str | None:
    found = _without(sentence, _VERSION)
    parts = _turned(found[1]) if found else None
    if found is None or parts is None:
        return None
    asked = rng.choice(("In which version of {}", "Since which {} version", "In what {} version"))
    return f"{asked.format(found[0]['noun'])} {parts[1]} {parts[0]} {parts[2]}?"


def _for_maker(sentence: str, rng: random.Random) -> str | None:
    found = _without(sentence, _BY)
    parts = _turned(found[1]) if found else None
    if parts is None or parts[1] not in {"is", "are", "was", "were"}:
        return None
    if rng.random() < 0.5:
        return f"By whom {parts[1]} {parts[0]} {parts[2]}?"
    return f"Who {parts[1]} {parts[0]} {parts[2]} by?"


def _for_number(sentence: str, _rng: random.Random) -> str | None:
    flat = " ".join(sentence.split())
    match = _NUMBER.search(flat)
    if match is None:
        return None
    before, after = flat[: match.start()].strip(), clipped(flat[match.end() :]) or ""
    if not 2 <= len(before.split()) <= 9 or "," in before or is_vague(before):
        return None
    if _RELATIVE.search(before):
        return None
    turned = re.fullmatch(r"(.+?) (is|are|was|were|can|must|should|will|may)( .+)?", before)
    noun = match["noun"]
    if turned:
        subject = uncapitalised(turned[1])
        return f"How many {noun} {turned[2]} {subject}{turned[3] or ''} {after}".rstrip() + "?"
    verb = before.split()[-1]
    if verb not in {"has", "have", "contains", "takes", "provides", "supports", "includes", "uses"}:
        return None
    subject = uncapitalised(before.rsplit(" ", 1)[0])
    base = {"has": "have"}.get(verb, verb.removesuffix("s") if verb != "uses" else "use")
    helper = "do" if verb == "have" else "does"
    return f"How many {noun} {helper} {subject} {base} {after}".rstrip() + "?"


def _for_subject(sentence: str, _rng: random.Random) -> str | None:
    flat = " ".join(sentence.split())
    match = _NAMED.match(flat)
    if match and (rest := clipped(match["rest"])):
        return f"Which {match['noun']} {rest}?"
    match = _SUBJECT.match(flat)
    if match is None or is_vague(match["name"]) or not (rest := clipped(match["rest"])):
        return None
    return f"What {rest}?" if len(rest.split()) > _MIN_WORDS else None
