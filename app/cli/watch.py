"""`quoth index watch`: an index that follows its files until it is told to stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quoth.app.cli.options import DOCS, INDEX_OPTIONS, JSON, PATHS, settings_from, with_options
from quoth.app.cli.terminal import escaped_json, printable, tell_skipped
from quoth.errors import InputError

if TYPE_CHECKING:
    from quoth.retrieval import SkippedFile, WatchEvent


@click.command()
@PATHS
@DOCS
@JSON
@click.option(
    "--quiet-seconds", type=click.FloatRange(0.01, 3600), default=1.0, show_default=True,
    help="How long nothing must have changed before a sync.",
)  # fmt: skip
@with_options(*INDEX_OPTIONS)
def watch(
    paths: tuple[Path, ...],
    docs: tuple[Path, ...],
    as_json: bool,
    quiet_seconds: float,
    **options: Any,  # noqa: ANN401 - click hands over every shared option
) -> None:
    """Sync PATHs now and whenever something changes below them, until Ctrl-C or SIGTERM.

    Prints a line for each sync that changed something. What goes wrong is told and tried again;
    while another process writes to the index, this waits. The documents of a folder that is gone
    stay until it is back.
    """
    paths = (*paths, *docs)
    if not paths:
        raise InputError("Nothing to watch is named. Give paths: quoth index watch PATH...")
    settings = settings_from(options, paths)
    from quoth.app.cli.opening import loaded_index
    from quoth.retrieval import watch as watched

    with loaded_index(settings, create=True) as index, stopping() as stop:
        click.echo(f"Index {settings.index_path}: watching (Ctrl-C ends it).", err=True)
        known: set[SkippedFile] = set()
        for event in watched(index, paths, stop=stop, quiet_s=quiet_seconds):
            _print(event, as_json=as_json)
            if event.report:
                skipped = set(event.report.skipped)
                tell_skipped([each for each in event.report.skipped if each not in known])
                known = skipped


def _print(event: "WatchEvent", *, as_json: bool) -> None:
    from quoth.app.cli.opening import counts

    now = datetime.now().astimezone()
    if as_json:
        click.echo(escaped_json({"time": now.isoformat(timespec="seconds")} | asdict(event)))
    elif event.report is None:
        click.echo(printable(f"{now:%H:%M:%S} {event.problem}"), err=True)
    elif event.report.is_change:
        click.echo(f"{now:%H:%M:%S} {counts(event.report)}")


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that work ends at a good moment."""
    stop = threading.Event()
    former = {
        number: signal.signal(number, lambda _number, _frame: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
