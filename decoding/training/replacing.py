"""Files and folders that are whole or not there, whenever a run is stopped."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a place beside ``path`` to write to; it takes that of ``path`` once all is written.

    A folder can only take the place of none. What a stopped run has left beside is written over.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    yield fresh
    fresh.replace(path)
