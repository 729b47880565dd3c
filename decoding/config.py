"""How the decoder drafts and verifies: one frozen value, built once and passed down."""

from dataclasses import dataclass

from quoth.errors import ConfigError

_MAY_BE_ZERO = frozenset({"max_draft_tokens", "key_block"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingConfig:
    """Settings of a `Decoder`: how fast it is. What is said is what plain decoding with them says.

    Drafting: a draft has at most `max_draft_tokens` tokens, in one chain or several branches. Those
    that fit into the `min_rows` rows are free; each further one must be confirmed by the model with
    a probability of at least `min_survival` times the tokens that those before it promise, by what
    is known of such guesses, and must be worth what passes have been seen to cost. Without `forks`
    all drafts are chains.

    Verifying: the rows of every forward pass are a multiple of `min_rows`, and its keys end at a
    multiple of `key_block`, so that plain and accelerated steps run the same kernels. On the one
    processor that was measured, with one or two threads, they then gave the same bits, except for
    models whose inner width is no multiple of 64 in float32, and for layers without key blocks,
    whose masks cannot be padded or which keep a state. `Decoder.is_row_invariant` says what a trial
    of the model gave. Prompts are read `prefill_chunk` tokens at a time.

    Batches: at most `max_rows` sequences are decoded at a time; when one ends, the next prompt is
    read and joins. Where they share forward passes (`Decoder.batches_rows`), one has at most
    `batch_width` tokens; what the last tokens of the sequences leave of it is shared among their
    drafts, so each sequence drafts less the more there are, and nothing from `batch_width` on.

    Raises:
        ConfigError: A number is below its minimum.
    """

    max_draft_tokens: int = 24
    min_survival: float = 0.02
    forks: bool = True
    min_rows: int = 4
    key_block: int = 256
    prefill_chunk: int = 512
    max_rows: int = 8
    batch_width: int = 64

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if name in ("min_survival", "forks"):
                continue
            lowest = 0 if name in _MAY_BE_ZERO else 1
            if type(value) is not int or value < lowest:
                raise ConfigError(
                    f"DecodingConfig.{name} is {value!r}; it must be an integer of at least "
                    f"{lowest}."
                )
        if type(self.forks) is not bool:
            raise ConfigError(f"DecodingConfig.forks is {self.forks!r}; it must be True or False.")
        if type(self.min_survival) not in (int, float) or not 0 <= self.min_survival <= 1:
            raise ConfigError(
                f"DecodingConfig.min_survival is {self.min_survival!r}; it must be a probability."
            )
        if 0 < self.key_block <= self.max_draft_tokens:
            raise ConfigError(
                f"DecodingConfig.key_block is {self.key_block}; it must be 0 (no blocks) or exceed "
                f"max_draft_tokens ({self.max_draft_tokens})."
            )
