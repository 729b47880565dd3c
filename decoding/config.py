"""How the decoder drafts and verifies: one frozen value, built once and passed down."""

from dataclasses import dataclass

from quoth.errors import ConfigError

_MAY_BE_ZERO = frozenset({"max_draft_tokens", "max_pause", "key_block"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingConfig:
    """Settings of a `Decoder`. Rounding apart, none changes what is generated, only how fast.

    Drafting: a draft starts at `first_draft_tokens`, doubles after each one that was accepted
    whole, up to `max_draft_tokens`, and falls back after a reject. A copy needs `min_match` equal
    tokens before it (`min_reference_match` where the source is a reference). After
    `rejects_before_pause` drafts of which nothing was accepted, drafting pauses for one step, then
    two, ... up to `max_pause` steps: only tokens that fit into the `min_rows` rows are drafted.

    Verifying: every forward pass has at least `min_rows` rows, and its keys end at a multiple of
    `key_block`, so that plain and accelerated steps run the same kernels. On the one processor that
    was measured, with one or two threads, they then gave the same bits, except for models whose
    inner width is no multiple of 64 in float32, and for layers without key blocks: sliding windows,
    and masks that cannot be padded. `Decoder.is_row_invariant` says what a trial of the model gave.
    Prompts are read `prefill_chunk` tokens at a time.

    Raises:
        ConfigError: A number is below its minimum.
    """

    first_draft_tokens: int = 8
    max_draft_tokens: int = 32
    min_match: int = 2
    min_reference_match: int = 1
    max_match: int = 32  # longer matches are not told apart
    rejects_before_pause: int = 2
    max_pause: int = 8
    min_rows: int = 4
    key_block: int = 256
    prefill_chunk: int = 512

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            lowest = 0 if name in _MAY_BE_ZERO else 1
            if type(value) is not int or value < lowest:
                raise ConfigError(
                    f"DecodingConfig.{name} is {value!r}; it must be an integer of at least "
                    f"{lowest}."
                )
        if self.min_match > self.max_match or self.min_reference_match > self.max_match:
            raise ConfigError(
                f"DecodingConfig.max_match is {self.max_match}; it must not be below min_match "
                f"({self.min_match}) and min_reference_match ({self.min_reference_match})."
            )
        if 0 < self.key_block <= self.max_draft_tokens:
            raise ConfigError(
                f"DecodingConfig.key_block is {self.key_block}; it must be 0 (no blocks) or exceed "
                f"max_draft_tokens ({self.max_draft_tokens})."
            )
