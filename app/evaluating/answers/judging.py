"""The verdict on one answer: what it quotes, from where, and whether that answers. Pure functions.

Texts are compared as they are where it is said of a quote that it is verbatim. Gold answers are
looked for without regard to case and to the kind and length of white space, since people wrote
them beside the document; a number is not found within another one.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from quoth.app.citations import MARKER, covered_share
from quoth.app.evaluating.answers.questions import AnswerQuestion
from quoth.app.evaluating.pages import is_called, touches
from quoth.app.prompting import REFUSAL
from quoth.types import Citation, Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An answer as the assistant gave it. Passages count from 1, in the order of the prompt."""

    text: str
    passages: tuple[Passage, ...]
    citations: tuple[Citation, ...]
    is_cut_off: bool  # stopped by the limit of its length


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be said of an answer. None: it cannot be said of this one."""

    gold: tuple[int, ...]  # numbers of the passages that hold the answer
    named: int | None  # the passage that the answer names first, or quotes first
    is_refusal: bool
    is_empty: bool
    is_cut_off: bool
    has_gold: bool | None  # a gold answer stands in it
    is_verbatim: bool | None  # every quote stands in the passage that it names
    is_verbatim_lax: bool | None  # the same, white space aside
    verbatim_chars: float | None  # the share of its characters that stand in a source
    is_from_turn: bool  # it is copied from an earlier turn

    @property
    def is_retrieved(self) -> bool:
        """A passage that holds the answer was among those found."""
        return bool(self.gold)

    @property
    def is_right_passage(self) -> bool:
        """The passage named is one that holds the answer."""
        return self.named in self.gold


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A stretch of the answer after a passage's number; None: it names no passage."""

    number: int | None
    text: str


def judge(question: AnswerQuestion, given: Given) -> Verdict:
    """Judge an answer by what is known of its question."""
    quotes = quotes_of(given)
    is_empty, refusal = not given.text.strip(), is_refusal(given.text)
    is_quoting = not (is_empty or refusal)
    return Verdict(
        gold=gold_passages(question, given.passages),
        named=None if refusal else named_passage(given, quotes),
        is_refusal=refusal,
        is_empty=is_empty,
        is_cut_off=given.is_cut_off,
        has_gold=holds_any(given.text, question.answers) if question.answers else None,
        is_verbatim=_is_verbatim(question, given, quotes) if is_quoting else None,
        is_verbatim_lax=_is_verbatim(question, given, quotes, lax=True) if is_quoting else None,
        verbatim_chars=covered_share(given.text, given.citations) if is_quoting else None,
        is_from_turn=is_quoting and _is_from_turn(question, given, quotes),
    )


def is_refusal(text: str) -> bool:
    """Whether the answer begins with the sentence that says that there is none."""
    said = _loose(MARKER.sub(" ", text))
    return said.startswith(_loose(REFUSAL).removesuffix("."))


def gold_passages(question: AnswerQuestion, passages: Sequence[Passage]) -> tuple[int, ...]:
    """The numbers of the passages that answer: of the right document and page, with its words."""
    if question.kind != "answerable":
        return ()
    return tuple(
        number
        for number, passage in enumerate(passages, start=1)
        if (not question.document or is_called(passage, question.document))
        and (not question.pages or touches(passage, question.pages))
        and (not question.answers or holds_any(passage.text, question.answers))
    )


def quotes_of(given: Given) -> tuple[Quote, ...]:
    """The answer cut at the numbers in brackets; without any, the whole of it.

    What stands before the first number is left out. A number in brackets that was quoted with the
    words around it ("as was shown [12]") belongs to the quote.
    """
    marks = [mark for mark in MARKER.finditer(given.text) if not _is_quoted(mark, given.citations)]
    if not marks:
        return (Quote(number=None, text=given.text.strip()),) if given.text.strip() else ()
    ends = [*(mark.start() for mark in marks[1:]), len(given.text)]
    return tuple(
        Quote(number=int(mark[0][1:-1]), text=given.text[mark.end() : end].strip())
        for mark, end in zip(marks, ends, strict=True)
    )


def named_passage(given: Given, quotes: Sequence[Quote]) -> int | None:
    """The first number of the answer; where there is none, the passage first cited from."""
    if quotes and quotes[0].number is not None:
        return quotes[0].number
    first = next(iter(given.citations), None)
    if first is None:
        return None
    for number, passage in enumerate(given.passages, start=1):
        begins = passage.start <= first.source_start and first.source_end <= passage.end
        if passage.document_id == first.source_id and begins:
            return number
    return None


def holds_any(text: str, answers: Sequence[str]) -> bool:
    """Whether one of the answers stands in the text, case and white space aside."""
    loose = _loose(text)
    return any(_number_safe(_loose(answer)).search(loose) for answer in answers)


def _is_verbatim(
    question: AnswerQuestion, given: Given, quotes: Sequence[Quote], *, lax: bool = False
) -> bool:
    """Whether every quote stands in its passage; one of an earlier answer, in a turn, may too."""

    def stands(text: str, source: str) -> bool:
        return " ".join(text.split()) in " ".join(source.split()) if lax else text in source

    sources = [passage.text for passage in given.passages]
    turns = [text for turn in question.history for text in turn]
    for quote in quotes:
        if quote.number is None:
            allowed = [*sources, *turns]
        else:
            allowed = sources[max(quote.number - 1, 0) : quote.number]
            allowed += turns if question.kind == "from_history" else []
        if not quote.text or not any(stands(quote.text, source) for source in allowed):
            return False
    return bool(quotes)


def _is_from_turn(question: AnswerQuestion, given: Given, quotes: Sequence[Quote]) -> bool:
    earlier = [answer for _, answer in question.history]
    stands = bool(quotes) and all(
        quote.text and any(quote.text in answer for answer in earlier) for quote in quotes
    )
    return stands or any(citation.kind == "turn" for citation in given.citations)


def _is_quoted(mark: re.Match[str], citations: Sequence[Citation]) -> bool:
    return any(
        citation.kind == "document" and citation.start < mark.start() and mark.end() <= citation.end
        for citation in citations
    )


def _loose(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _number_safe(answer: str) -> re.Pattern[str]:
    """What finds the answer, and not as a part of a longer number: not 303 in 1,303 or 303.5."""
    before = r"(?<!\d)(?<!\d[.,])" if answer[:1].isdigit() else ""
    after = r"(?!\d|[.,]\d)" if answer[-1:].isdigit() else ""
    return re.compile(before + re.escape(answer) + after)
