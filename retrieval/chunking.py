"""Cuts a document into passages that begin and end where its structure does.

`text[chunk.start:chunk.end]` is the chunk; it has no white space at its ends; every other character
of the document lies in at least one chunk. Sections come first, then paragraphs, then sentences,
then words; a code block stays whole where it fits. Chunks know sizes only through `measure`.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from quoth.retrieval.documents import Heading, LoadedDocument
from quoth.retrieval.sentences import sentence_ranges, trim

Measure = Callable[[str], int]
_TOKENISH = re.compile(r"[^\W\d_]{1,7}|\d{1,3}|[^\w\s]|_")
_BLANK = re.compile(r"\n[ \t]*\n\s*")
_WORD = re.compile(r"\S+")
_JOINER = "\u200d"
_MAX_MARKS = 64  # on one letter; more is no writing but an attack


def estimate_tokens(text: str) -> int:
    """About as many tokens as a subword tokenizer makes of `text`, at a hundredth of its time."""
    return sum(1 for _ in _TOKENISH.finditer(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkingConfig:
    """Sizes in what `measure` counts: tokens, by default an estimate of them."""

    target: int = 180  # about 130 English words
    smallest: int = 60  # smaller ones join a neighbour, and may exceed the target by half of this
    overlap: int = 0  # at most so much of the chunk before comes again, in whole sentences

    def __post_init__(self) -> None:
        if not 0 < self.smallest <= self.target or not 0 <= self.overlap < self.target:
            raise ValueError(
                "chunk sizes need 0 < smallest <= target and 0 <= overlap < target, got "
                f"smallest={self.smallest}, target={self.target}, overlap={self.overlap}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A range of the canonical text, and the titles of the headings above its beginning."""

    start: int
    end: int
    headings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Unit:
    """A piece that is not cut any more. `gap` tells how strong the border before it is."""

    start: int
    end: int
    size: int
    gap: int  # 0 within a paragraph, 1 a new paragraph


@dataclass(frozen=True, slots=True)
class _Section:
    start: int
    end: int
    path: tuple[str, ...]
    level: int  # of its own heading; 0 before the first one


def chunk_document(
    document: LoadedDocument,
    config: ChunkingConfig | None = None,
    measure: Measure = estimate_tokens,
) -> list[Chunk]:
    """Cut `document` into chunks, in order."""
    config = config or ChunkingConfig()
    cutter = _Cutter(document.text, config, measure)
    chunks: list[_Draft] = []
    levels: list[int] = []  # of blank sections: what comes after them is as much of a new start
    for section in _sections(document.text, document.headings):
        units = cutter.units(section, document.kept_whole)
        levels.append(section.level)
        if units:
            groups = cutter.pack(units)
            chunks.extend(_Draft(group, section.path, min(levels)) for group in groups)
            levels = []
    merged = _merge_small(chunks, config)
    starts = [cutter.overlap_start(merged, place) for place in range(len(merged))]
    return [
        Chunk(start=start, end=draft.end, headings=draft.path)
        for start, draft in zip(starts, merged, strict=True)
    ]


class _Draft:
    """Units that will be one chunk."""

    def __init__(self, units: list[_Unit], path: tuple[str, ...], level: int) -> None:
        self.start = units[0].start
        self.end = units[-1].end
        self.size = sum(unit.size for unit in units)
        self.units = units
        self.path = path
        self.level = level

    def absorb(self, other: "_Draft") -> None:
        """Take the next draft in; the path becomes what both have in common."""
        self.end = other.end
        self.size += other.size
        self.units = self.units + other.units
        pairs = zip(self.path, other.path, strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        self.path = self.path[:shared]


def _sections(text: str, headings: Sequence[Heading]) -> list[_Section]:
    """The text from each heading to the next one, and what stands before the first."""
    if not headings:
        return [_Section(0, len(text), (), 0)]
    sections = [_Section(0, headings[0].start, (), 0)]
    above: list[Heading] = []
    ends = [heading.start for heading in headings[1:]] + [len(text)]
    for heading, end in zip(headings, ends, strict=True):
        above = [outer for outer in above if outer.level < heading.level] + [heading]
        path = tuple(outer.title for outer in above if outer.title)
        sections.append(_Section(heading.start, end, path, heading.level))
    return sections


class _Cutter:
    """Turns sections into units, and units into groups that fit."""

    def __init__(self, text: str, config: ChunkingConfig, measure: Measure) -> None:
        self._text = text
        self._config = config
        self._measure = measure

    def units(self, section: _Section, kept_whole: Sequence[tuple[int, int]]) -> list[_Unit]:
        """The smallest pieces of a section: paragraphs that fit, else sentences, else words."""
        units: list[_Unit] = []
        for start, end in _blocks(self._text, section, kept_whole):
            size = self._size(start, end)
            pieces = [(start, end)] if size <= self._config.target else self._cut(start, end)
            for place, (left, right) in enumerate(pieces):
                units.append(_Unit(left, right, self._size(left, right), 0 if place else 1))
        return units

    def pack(self, units: list[_Unit]) -> list[list[_Unit]]:
        """Fill groups up to the target, closing early before a paragraph that does not fit."""
        groups: list[list[_Unit]] = []
        size = 0
        for unit in units:
            if groups and size + unit.size <= self._config.target:
                groups[-1].append(unit)
                size += unit.size
            else:
                groups.append([unit])
                size = unit.size
        return groups

    def overlap_start(self, drafts: Sequence[_Draft], place: int) -> int:
        """Where a chunk begins once it repeats the last sentences of the one before."""
        draft, before = drafts[place], drafts[place - 1]
        if not self._config.overlap or not place or before.path != draft.path:
            return draft.start
        start, budget = draft.start, self._config.overlap
        for left, right in reversed(sentence_ranges(self._text, before.start, before.end)):
            budget -= self._size(left, right)
            if budget < 0:
                break
            start = left
        return start

    def _size(self, start: int, end: int) -> int:
        return self._measure(self._text[start:end])

    def _cut(self, start: int, end: int) -> list[tuple[int, int]]:
        """Sentences, or lines and words where a sentence is too long."""
        pieces = []
        for left, right in sentence_ranges(self._text, start, end):
            if self._size(left, right) <= self._config.target:
                pieces.append((left, right))
            else:
                pieces.extend(self._cut_sentence(left, right))
        return pieces

    def _cut_sentence(self, start: int, end: int) -> list[tuple[int, int]]:
        """Lines, such as the rows of a table; a line that is too long, into pieces of words."""
        pieces = []
        for left, right in _lines(self._text, start, end):
            fits = self._size(left, right) <= self._config.target
            pieces.extend([(left, right)] if fits else self._cut_line(left, right))
        return pieces

    def _cut_line(self, start: int, end: int) -> list[tuple[int, int]]:
        """Fill pieces with words; a word that is too long itself is cut between characters."""
        pieces: list[tuple[int, int]] = []
        size = 0
        for match in _WORD.finditer(self._text, start, end):
            for left, right in self._cut_word(match.start(), match.end()):
                word_size = self._size(left, right)
                if pieces and size + word_size <= self._config.target:
                    pieces[-1] = (pieces[-1][0], right)
                    size += word_size
                else:
                    pieces.append((left, right))
                    size = word_size
        return pieces

    def _cut_word(self, start: int, end: int) -> list[tuple[int, int]]:
        """Halve a long word until its parts fit, never between a letter and its marks."""
        if self._size(start, end) <= self._config.target or end - start <= 1:
            return [(start, end)]
        middle = _border_before(self._text, (start + end) // 2, start + 1)
        return self._cut_word(start, middle) + self._cut_word(middle, end)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    place = start
    for line in text[start:end].split("\n"):
        trimmed = trim(text, place, place + len(line))
        if trimmed:
            yield trimmed
        place += len(line) + 1


def _border_before(text: str, place: int, lowest: int) -> int:
    """The nearest border at or before `place`; `place` itself where none is near."""
    nearby = range(place, max(lowest, place - _MAX_MARKS) - 1, -1)
    return next((border for border in nearby if _is_border(text, border)), place)


def _is_border(text: str, place: int) -> bool:
    """Whether what the reader sees as one character does not straddle `place`."""
    after = text[place]
    is_mark = unicodedata.category(after).startswith("M") or after == _JOINER
    return not is_mark and text[place - 1] != _JOINER


def _blocks(
    text: str, section: _Section, kept_whole: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Paragraphs of a section, and its code blocks, trimmed and in order."""
    blocks = []
    place = section.start
    first = bisect_left(kept_whole, (section.start, 0))
    last = bisect_left(kept_whole, (section.end, 0))
    inside = [span for span in kept_whole[first:last] if span[1] <= section.end]
    for start, end in [*inside, (section.end, section.end)]:
        blocks.extend(_paragraphs(text, place, start))
        blocks.append((start, end))
        place = end
    trimmed = (trim(text, start, end) for start, end in blocks)
    return [block for block in trimmed if block]


def _paragraphs(text: str, start: int, end: int) -> list[tuple[int, int]]:
    cuts = [match.end() for match in _BLANK.finditer(text, start, end)]
    return list(pairwise([start, *cuts, end]))


def _merge_small(drafts: list[_Draft], config: ChunkingConfig) -> list[_Draft]:
    """Join neighbours of which one is small, if they fit and no chapter begins between them."""
    merged: list[_Draft] = []
    for draft in drafts:
        if merged and _belongs(merged[-1], draft, config):
            merged[-1].absorb(draft)
        else:
            merged.append(draft)
    return merged


def _belongs(before: _Draft, draft: _Draft, config: ChunkingConfig) -> bool:
    is_small = before.size < config.smallest or draft.size < config.smallest
    begins_chapter = draft.level == 1 and draft.path != before.path
    largest = config.target + config.smallest // 2
    return is_small and not begins_chapter and before.size + draft.size <= largest
