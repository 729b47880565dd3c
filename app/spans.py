"""Aligning an answer with its sources, character by character. Pure functions on strings.

A decoder copies tokens; people read words. A copied range is walked character by character, widened
to the left as far as both texts agree, and trimmed to the borders of words in both.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

Alignment = tuple[int, int, int]  # start in the answer, start in the source, length


def align(
    answer: str, source: str, *, at: tuple[int, int], source_end: int, floor: int = 0
) -> Alignment:
    """The longest run of equal characters that begins near `at`, trimmed to whole words.

    Args:
        answer: The answer as far as it is known. Unless it is finished, at least one character
            after the run must be known, or the last word's end cannot be.
        source: The text that was copied from.
        at: Where the copy begins, in the answer and in the source.
        source_end: The run does not go beyond this offset of the source.
        floor: The run does not begin before this offset of the answer (an earlier citation's end).

    Returns:
        Start in the answer, start in the source, length; the length is 0 if nothing agrees.
    """
    a, s = _skip_space(answer, at[0]), _skip_space(source, at[1])
    length = 0
    while (
        a + length < len(answer)
        and s + length < min(source_end, len(source))
        and answer[a + length] == source[s + length]
    ):
        length += 1
    while length and a > floor and s > 0 and answer[a - 1] == source[s - 1]:
        a, s, length = a - 1, s - 1, length + 1
    return trim(answer, source, (a, s, length))


def trim(answer: str, source: str, alignment: Alignment) -> Alignment:
    """Cut half words and surrounding space off both ends of a run.

    Example: answer "the unable man", source "an able man", run "able man" -> "man": "able" is half
    a word in the answer.
    """
    a, s, length = alignment
    while length and (_splits_word(answer, a) or _splits_word(source, s) or answer[a].isspace()):
        a, s, length = a + 1, s + 1, length - 1
    while length and (
        _splits_word(answer, a + length)
        or _splits_word(source, s + length)
        or answer[a + length - 1].isspace()
    ):
        length -= 1
    return a, s, length


def find_verbatim(
    answer: str, sources: Sequence[str], *, start: int, end: int, min_chars: int, min_words: int
) -> Iterator[tuple[int, Alignment]]:
    """Stretches of `answer[start:end]` that stand verbatim in a source, left to right.

    Each begins and ends at the border of a word in both texts. The longest wins at each place; the
    earlier source, among equals.

    Yields:
        The number of the source, and the alignment.
    """
    position = start
    while position < end:
        found = (
            None
            if _splits_word(answer, position) or answer[position].isspace()
            else _longest_at(answer, sources, position, end, min_chars)
        )
        if found and len(answer[found[1][0] :][: found[1][2]].split()) >= min_words:
            yield found
            position = found[1][0] + found[1][2]
        else:
            position += 1


def occurrences(text: str, quote: str, *, limit: int) -> Iterable[int]:
    """Offsets at which `quote` stands in `text`, at most `limit` of them."""
    at = text.find(quote)
    while at >= 0 and limit > 0:
        yield at
        limit -= 1
        at = text.find(quote, at + 1)


def _longest_at(
    answer: str, sources: Sequence[str], position: int, end: int, min_chars: int
) -> tuple[int, Alignment] | None:
    best: tuple[int, Alignment] | None = None
    probe = answer[position : min(position + min_chars, end)]
    if len(probe) < min_chars:
        return None
    for number, source in enumerate(sources):
        for at in occurrences(source, probe, limit=16):
            alignment = _run(answer, source, position, at, end)
            if alignment[2] >= min_chars and (best is None or alignment[2] > best[1][2]):
                best = (number, alignment)
    return best


def _run(answer: str, source: str, position: int, at: int, end: int) -> Alignment:
    length = 0
    while (
        position + length < end
        and at + length < len(source)
        and answer[position + length] == source[at + length]
    ):
        length += 1
    trimmed = trim(answer, source, (position, at, length))
    return trimmed if trimmed[0] == position else (position, at, 0)


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _splits_word(text: str, position: int) -> bool:
    return (
        0 < position < len(text)
        and _is_word_char(text[position - 1])
        and _is_word_char(text[position])
    )


def _is_word_char(char: str) -> bool:
    """Letters, digits, underscore, and combining marks, which belong to the letter before them."""
    return char.isalnum() or char == "_" or unicodedata.category(char).startswith("M")
