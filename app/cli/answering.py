"""An answer in the terminal, streamed and coloured, and the same answer as JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from rich.console import Group
from rich.live import Live
from rich.text import Text as StyledText

from quoth.app.cli.terminal import Console, colour, messages, printable
from quoth.app.events import Answer, AnswerStats, Cited, Done, Event, Retrieved, ScoredPassage, Text
from quoth.app.seams import SEAM_MARK, seams
from quoth.app.wording import counted
from quoth.types import Citation, SourceSpan

CONTEXT_CHARS = 160  # of the passage, around what was copied from it


def answer_as_json(answer: Answer) -> dict[str, object]:
    """The answer as one JSON object: text, citations, passages, stats, and what goes with them."""
    return {
        "text": answer.text,
        "citations": [
            asdict(citation) | {"text": answer.text[citation.start : citation.end]}
            for citation in answer.citations
        ],
        "coverage": answer.coverage,
        "passages": [
            {"number": scored.number, "score": scored.score} | asdict(scored.passage)
            for scored in answer.passages
        ],
        "stats": asdict(answer.stats) | {"tokens_per_pass": answer.stats.tokens_per_pass},
        "notices": list(answer.notices),
    }


class AnswerPrinter:
    """Prints one answer as it comes.

    In a terminal the answer is drawn anew as it grows, so that words take their source's colour as
    soon as the copy is certain, and seams are marked; elsewhere it is written plainly, piece by
    piece.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._console.soft_wrap = not self._console.is_terminal  # else long lines would be cut off
        self._passages: tuple[ScoredPassage, ...] = ()
        self._text = ""
        self._citations: list[Citation] = []

    def print(self, events: Iterable[Event]) -> None:
        """Print the answer, its sources, and a line of numbers."""
        if self._console.is_terminal:
            answer = self._print_live(events)
        else:
            answer = self._print_plain(events)
        for notice in answer.notices:
            messages().print(notice, style="yellow", markup=False)
        self._console.print(Group(*_sources(answer), *self._key(), _numbers(answer)))

    def _print_live(self, events: Iterable[Event]) -> Answer:
        with Live(console=self._console, vertical_overflow="visible", auto_refresh=False) as live:
            for event in events:
                self._take(event)
                live.update(self._styled(), refresh=True)
        return self._answer

    def _print_plain(self, events: Iterable[Event]) -> Answer:
        for event in events:
            self._take(event)
            if isinstance(event, Text):
                self._console.file.write(printable(event.text))
                self._console.file.flush()
        self._console.file.write("\n")
        return self._answer

    def _take(self, event: Event) -> None:
        match event:
            case Retrieved():
                self._passages = event.passages
            case Text():
                self._text += event.text
            case Cited():
                self._citations.append(event.citation)
            case Done():
                self._answer = event.answer
                self._citations = list(event.answer.citations)

    def _styled(self) -> StyledText:
        styled = StyledText(printable(self._text))
        for citation in self._citations:
            number = source_number(citation.source, self._passages)
            style = "italic" if number is None else colour(number)
            line = " underline" if citation.origin == "matched" else ""
            styled.stylize(style + line, citation.start, citation.end)
        mark = StyledText.assemble((f"{SEAM_MARK} ", "dim"))
        return mark.join(styled.divide(self._seams()))

    def _seams(self) -> tuple[int, ...]:
        return seams(self._text, self._citations, self._passages)

    def _key(self) -> Iterator[StyledText]:
        if self._console.is_terminal and self._seams():
            yield StyledText(f"{SEAM_MARK} a dim one: the source is cut here", style="dim")


def source_number(span: SourceSpan, passages: Iterable[ScoredPassage]) -> int | None:
    """The number of the passage that holds a cited range; None for a turn."""
    for scored in passages:
        passage = scored.passage
        if passage.document_id == span.source_id and passage.start <= span.start < passage.end:
            return scored.number
    return None


def _sources(answer: Answer) -> Iterator[StyledText]:
    yield StyledText()
    for scored in answer.passages:
        cited = [
            citation
            for citation in answer.citations
            if source_number(citation.source, answer.passages) == scored.number
        ]
        yield _source_line(scored, is_cited=bool(cited))
        yield _excerpt(scored, cited)
    turns = {citation.document for citation in answer.citations if citation.kind == "turn"}
    for name in sorted(turns):
        yield StyledText(f"    copied from {name}", style="italic")
    yield StyledText()


def _source_line(scored: ScoredPassage, *, is_cited: bool) -> StyledText:
    passage = scored.passage
    line = StyledText(f"[{scored.number}] ", style=f"bold {colour(scored.number)}")
    line.append(printable(passage.document))
    if passage.location:
        line.append(f", {printable(passage.location)}")
    if not is_cited:
        line.append("  found, nothing copied", style="dim")
    return line


def _excerpt(scored: ScoredPassage, cited: list[Citation]) -> StyledText:
    """The passage around what was copied from it, that part in the source's colour."""
    passage = scored.passage
    spans = [(c.source_start - passage.start, c.source_end - passage.start) for c in cited]
    begin = max(0, min((start for start, _ in spans), default=0) - CONTEXT_CHARS // 2)
    end = min(len(passage.text), max((end for _, end in spans), default=0) + CONTEXT_CHARS)
    excerpt = StyledText(printable(passage.text[begin:end]).replace("\n", " "), style="dim")
    for start, stop in spans:
        excerpt.stylize(f"not dim {colour(scored.number)}", start - begin, stop - begin)
    before, after = "…" if begin else "", "…" if end < len(passage.text) else ""
    return StyledText.assemble("    ", before, excerpt, after)


def _numbers(answer: Answer) -> StyledText:
    stats: AnswerStats = answer.stats
    seconds = stats.retrieve_s + stats.prefill_s + stats.decode_s
    return StyledText(
        f"{counted(stats.tokens, 'token')} in "
        f"{counted(stats.forward_passes, 'forward pass', 'forward passes')}, "
        f"{stats.tokens_per_pass:.1f} per pass; {stats.copied_share:.0%} copied, "
        f"{answer.coverage:.0%} found in sources; {seconds:.1f} s",
        style="dim",
    )
