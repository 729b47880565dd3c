"""A range of a source with some of the text around it, cut at word borders."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Three neighbouring stretches of one source; `copied` is the cited range itself."""

    before: str
    copied: str
    after: str
    is_cut_before: bool = False  # the source goes on to the left of `before`
    is_cut_after: bool = False


def excerpt(source: str, start: int, end: int, *, reach: int) -> Excerpt:
    """The range `[start, end)` of `source` and up to `reach` characters on each side.

    Each side ends at a word border, unless it has none. Worked example: with `reach` 6, `"one two
    [three] four five"` gives before `"two "` and after `" four"`.

    Raises:
        ValueError: The range does not lie within the source; `holds` tells beforehand.
    """
    if not 0 <= start <= end <= len(source):
        raise ValueError(f"[{start}, {end}) is not a range of a source of {len(source)} characters")
    left = _word_start(source, max(0, start - reach), start)
    right = _word_end(source, min(len(source), end + reach), end)
    return Excerpt(
        before=source[left:start],
        copied=source[start:end],
        after=source[end:right],
        is_cut_before=left > 0,
        is_cut_after=right < len(source),
    )


def holds(source: str, start: int, end: int, words: str) -> bool:
    """Whether `words` stand at `[start, end)` of `source`: it may have changed since."""
    return 0 <= start <= end <= len(source) and source[start:end] == words


def _word_start(source: str, cut: int, limit: int) -> int:
    """The first word that begins at or after `cut`; `cut` itself if none does before `limit`."""
    if cut == 0 or source[cut - 1].isspace():
        return cut
    return next((at + 1 for at in range(cut, limit) if source[at].isspace()), cut)


def _word_end(source: str, cut: int, limit: int) -> int:
    """The end of the last word that ends at or before `cut`; `cut` if none does after `limit`."""
    if cut == len(source) or source[cut].isspace():
        return cut
    return next((at for at in range(cut - 1, limit - 1, -1) if source[at].isspace()), cut)
