"""What a search may be told besides the question."""

from dataclasses import dataclass
from typing import Literal, get_args

from quoth.errors import ConfigError

Mode = Literal["hybrid", "dense", "lexical"]
Fusion = Literal["score", "rank"]
MODES: tuple[Mode, ...] = get_args(Mode)
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How passages are found and ordered.

    Raises:
        ConfigError: A value is out of its range; the message names it.
    """

    mode: Mode = "hybrid"  # by meaning and by words; or by one of them
    fusion: Fusion = "score"  # of both sides: by how far passages stand out, or by their ranks
    depth: int = 200  # passages that each side hands to the fusion; more where k asks for more
    rerank: str | None = None  # a cross-encoder: name or folder (sentence-transformers)
    rerank_depth: int = 30  # passages that it reads; more where k asks for more
    diversity: float = 0.0  # 0: only the question counts; 1: only that passages differ
    join_tokens: int = 0  # neighbours that were both found become one passage of at most so many

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ConfigError(f"mode is {self.mode!r}; known are: {', '.join(MODES)}.")
        if self.fusion not in FUSIONS:
            raise ConfigError(f"fusion is {self.fusion!r}; known are: {', '.join(FUSIONS)}.")
        for name, least in (("depth", 1), ("rerank_depth", 1), ("join_tokens", 0)):
            value = getattr(self, name)
            if value < least:
                raise ConfigError(f"{name} is {value}; it must be at least {least}.")
        if not 0 <= self.diversity <= 1:
            raise ConfigError(f"diversity is {self.diversity}; it must lie from 0 to 1.")
