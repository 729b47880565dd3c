"""Output whose reader has gone, as in `quoth ask ... | head -1`: a quiet end, and no failure."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click


class ReaderGoneError(Exception):
    """Whoever read what this process writes has closed the pipe: nothing is left to do."""


class PipedGroup(click.Group):
    """Tells a closed pipe from failures; click itself would end with code 1 for both."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:  # noqa: ANN401
        """Parse, and print help where it was asked for."""
        with _telling_a_closed_pipe():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        with _telling_a_closed_pipe():
            return super().invoke(ctx)


def write_nowhere() -> None:
    """Let what still waits to be written go, or the interpreter would complain as it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())


@contextmanager
def _telling_a_closed_pipe() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGoneError from error
