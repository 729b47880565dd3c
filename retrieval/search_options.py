"""What a search may be told besides the question."""

from dataclasses import dataclass
from typing import Literal, get_args

from quoth.errors import ConfigError

Mode = Literal["hybrid", "dense", "lexical"]
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How passages are found and ordered.

    Raises:
        ConfigError: A value is out of its range; the message names it.
    """

    mode: Mode = "hybrid"  # by meaning and by words; or by one of them
    depth: int = 100  # passages that each side hands to the fusion, at least k

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ConfigError(f"mode is {self.mode!r}; known are: {', '.join(MODES)}.")
        if self.depth < 1:
            raise ConfigError(f"depth is {self.depth}; it must be at least 1.")
