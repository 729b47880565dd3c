"""Words that the page says in more than one place."""

from typing import Final

CHANGED: Final = "The source has changed since; this text is no longer there."


def counted(number: int, noun: str) -> str:
    """`1 page`, `1,204 pages`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
