"""What may be asked of one decoding, by name.

The defaults are those of `Request`, `Sampling` and `Penalties`, which take the options up by name.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from quoth.decoding.drafting.selection import Drafting

if TYPE_CHECKING:
    from transformers import LogitsProcessorList


class DecodingOptions(TypedDict, total=False):
    """The keyword arguments of `Decoder.stream`, `generate` and `generate_batch`.

    They act on the logits in this order: repetition, frequency and presence penalty, bad words,
    logits processors, then temperature, top-k, top-p and min-p. All of them are applied once per
    output position, in order, with the exact prefix, drafted or not.

    Attributes (with their defaults in brackets):
        max_new_tokens: The text ends there at the latest, or at the end of the window. [256]
        temperature: Logits are divided by it; 0 is greedy. [0]
        top_k: Sample from the k most likely tokens only, ties with the last included; 0 is all. [0]
        top_p: Sample from the fewest most likely tokens that together have this probability. [1]
        min_p: Sample from tokens at least this fraction as likely as the likeliest. [0]
        seed: The same seed gives the same text, with and without drafting. [0]
        repetition_penalty: For tokens of prompt and output: divides logits above 0, multiplies the
            others, as in Hugging Face. [1]
        presence_penalty: Subtracted once for a token of the output, as by OpenAI. [0]
        frequency_penalty: Subtracted for each time a token is in the output, as by OpenAI. [0]
        bad_words: Sequences of token ids that must not be written; also if they begin in the
            prompt. Unlike Hugging Face's, they may be EOS tokens. [()]
        stop: Strings that end the text; they are left out of it. [()]
        eos_token_ids: Tokens that end the text. None: the model's own; (): none. [None]
        logits_processor: Applied position by position; it may keep a state, such as that of a
            grammar, and is then good for one text. [None]
        logprobs: True adds each token's log-probability to the result, n >= 1 also those of the n
            likeliest tokens. They are the model's own, of the logits before all of the above, as by
            OpenAI and vLLM. [False]
        drafting: "none", "reference", "lookahead", "recycle", "jacobi", a drafter, or several of
            these, whose guesses are merged; "auto" is reference, recycle and jacobi. ["auto"]
    """

    max_new_tokens: int
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    seed: int
    repetition_penalty: float
    presence_penalty: float
    frequency_penalty: float
    bad_words: Sequence[Sequence[int]]
    stop: str | Sequence[str]
    eos_token_ids: Sequence[int] | None
    logits_processor: "LogitsProcessorList | None"
    logprobs: bool | int
    drafting: Drafting
