"""What goes to the terminal: hostile text made harmless, colours, progress bars.

Text of documents and models may hold escape sequences that move the cursor or rewrite the title.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NoReturn

import rich.console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.text import Text

from quoth.retrieval import Progress as ProgressCallback
from quoth.retrieval import SkippedFile

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")
_NAMED = 10  # files that were passed over for the same reason
_CONTROL = {
    code: "\N{REPLACEMENT CHARACTER}"
    for code in (
        *range(0x20),
        0x7F,
        *range(0x80, 0xA0),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
    if chr(code) not in "\n\t"
}


class Console(rich.console.Console):
    """Leaves a closed pipe to the command line; rich itself would end the process with code 1."""

    def on_broken_pipe(self) -> NoReturn:
        """Called where a BrokenPipeError is handled: let it go on."""
        raise


def printable(text: str) -> str:
    """The text with control and bidirectional override characters replaced, one for one."""
    return text.translate(_CONTROL)


def escaped_json(values: object) -> str:
    """One line of JSON in which no character can steer a terminal."""
    line = json.dumps(values, ensure_ascii=False, default=str)
    return line.translate({code: f"\\u{code:04x}" for code in _CONTROL})


def colour(number: int) -> str:
    """The colour of source `number`, counted from 1."""
    return COLOURS[(number - 1) % len(COLOURS)]


def tell_skipped(skipped: Sequence[SkippedFile]) -> None:
    """Say on stderr what was passed over, each reason once."""
    paths: dict[str, dict[str, None]] = {}
    for each in skipped:
        paths.setdefault(each.reason, {})[str(each.path)] = None
    for reason, names in paths.items():
        shown = ", ".join(list(names)[:_NAMED])
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        line = printable(f"Skipped {shown}{more}: {reason}")
        messages().print(line, style="yellow", markup=False)


def messages() -> Console:
    """The console for everything that is not data: stderr."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def saying(what: str) -> Iterator[None]:
    """A spinner with a word on what is being done; nothing where stderr is no terminal.

    Without a network the hub's client would tell of each of its attempts meanwhile; what became of
    them is told once, by the error.
    """
    attempts = logging.getLogger("huggingface_hub.utils")
    level = attempts.level
    attempts.setLevel(logging.ERROR)
    try:
        with _spinner(what):
            yield
    finally:
        attempts.setLevel(level)


def _spinner(what: str) -> AbstractContextManager[object]:
    console = messages()
    return console.status(Text(printable(what))) if console.is_terminal else nullcontext()


@contextmanager
def progress_bar() -> Iterator[ProgressCallback]:
    """A progress bar on stderr, which leaves no trace; silent where stderr is no terminal."""
    if not messages().is_terminal:
        yield lambda _done, _total, _what: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
    )
    with Progress(*columns, console=messages(), transient=True) as bar:
        task = bar.add_task("", total=None)

        def report(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=printable(what))

        yield report
