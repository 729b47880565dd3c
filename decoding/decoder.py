"""The decoder: token ids in, token ids out, on any causal language model of Hugging Face."""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack, cast

from torch import Tensor

from quoth.decoding.choosing import Chooser
from quoth.decoding.config import DecodingConfig
from quoth.decoding.drafting.cost import CostCurve
from quoth.decoding.drafting.guard import GuardedSession
from quoth.decoding.drafting.mixing import Mixer
from quoth.decoding.drafting.selection import Drafting, select_drafters
from quoth.decoding.generation import Generation, Reference, Step
from quoth.decoding.loop import DecodeLoop
from quoth.decoding.models.loading import load_model
from quoth.decoding.models.support import model_support
from quoth.decoding.options import DecodingOptions
from quoth.decoding.request import Request, token_tuple
from quoth.decoding.rereading import RereadingVerifier
from quoth.decoding.sampling import Sampling
from quoth.decoding.stopping import StopRule
from quoth.decoding.text_stream import TextStream, Tokenizer
from quoth.decoding.verify import Verifier
from quoth.errors import ConfigError, InputError, UnsupportedModelError

if TYPE_CHECKING:
    from transformers import LogitsProcessorList, PreTrainedModel, PreTrainedTokenizerBase


class Decoder:
    """Decodes with drafts that the model verifies: the text of plain decoding, only sooner.

    Args:
        model: A loaded causal language model; it is put into evaluation mode.
        tokenizer: Needed for text and stop strings only.
        config: How to draft and verify; rounding apart, it never changes what is generated.

    Raises:
        UnsupportedModelError: No way of decoding gives the model's own logits.
    """

    def __init__(
        self,
        model: "PreTrainedModel",
        tokenizer: "PreTrainedTokenizerBase | None" = None,
        config: DecodingConfig = DecodingConfig(),  # noqa: B008 - frozen
    ) -> None:
        self.model = model.eval()  # type: ignore[no-untyped-call] # transformers
        self.tokenizer = tokenizer
        self.config = config
        self.max_length = _window(model)
        self._vocabulary_size = _vocabulary_size(model)
        self._support = model_support(
            model, config, window=self.max_length, vocabulary_size=self._vocabulary_size
        )
        self._cost = CostCurve(free_rows=self._support.config.min_rows)

    @property
    def is_row_invariant(self) -> bool:
        """Whether wider passes gave the bits of plain ones when this model was tried; no proof."""
        return self._support.is_row_invariant

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path,
        device: str = "auto",
        dtype: str = "auto",
        revision: str | None = None,
        config: DecodingConfig = DecodingConfig(),  # noqa: B008 - frozen
    ) -> Self:
        """Load a model and its tokenizer; see `quoth.decoding.models.loading.load_model`.

        Raises:
            ModelLoadError: It is not there, or not a causal language model.
            UnsupportedModelError: It cannot be decoded with.
            ConfigError: Device or dtype is not known.
        """
        model, tokenizer = load_model(name_or_path, device=device, dtype=dtype, revision=revision)
        return cls(model, tokenizer, config)

    def generate(
        self,
        prompt_ids: Sequence[int],
        references: Sequence[Reference] = (),
        **options: Unpack[DecodingOptions],
    ) -> Generation:
        """Decode to the end.

        Args:
            prompt_ids: Token ids, at least one.
            references: Copy sources, best first; they need not be part of the prompt.
            **options: As follows; their defaults are those of `stream`.
            max_new_tokens: The text ends there at the latest, or at the end of the window.
            temperature: 0 is greedy.
            top_k: Sample from the k most likely tokens only; 0 is all.
            top_p: Sample from the most likely tokens that have this probability together.
            seed: The same seed gives the same text, with and without drafting.
            stop: Strings that end the text; they are left out of it.
            eos_token_ids: Tokens that end the text. None: the model's own; (): none.
            logits_processor: Applied position by position, with the exact prefix.
            drafting: "none", "reference", "auto" (now: reference), a drafter, or a sequence of
                these, whose guesses are merged.

        Raises:
            InputError: A token id is outside the vocabulary (also a ValueError).
            ConfigError: A setting is out of range (also a ValueError).
            ContextOverflowError: The prompt leaves no room in the window.
        """
        return _fold(list(self.stream(prompt_ids, references, **options)))

    def stream(  # noqa: PLR0913 - the public contract
        self,
        prompt_ids: Sequence[int],
        references: Sequence[Reference] = (),
        *,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        stop: str | Sequence[str] = (),
        eos_token_ids: Sequence[int] | None = None,
        logits_processor: "LogitsProcessorList | None" = None,
        drafting: Drafting = "auto",
    ) -> Iterator[Step]:
        """Decode step by step; same arguments and errors as `generate`, raised at once.

        Steps come as the model confirms them: one token or a burst of copied ones. Closing the
        iterator cancels the rest.
        """
        if self.tokenizer is None and stop:
            raise ConfigError("Stop strings need a tokenizer: Decoder(model, tokenizer).")
        request = Request(
            prompt_ids=token_tuple(prompt_ids, "The prompt"),
            references=tuple(
                Reference(each.id, token_tuple(each.token_ids, f"The reference {each.id!r}"))
                for each in references
            ),
            max_new_tokens=max_new_tokens,
            sampling=Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            eos_token_ids=frozenset(
                _eos_token_ids(self.model) if eos_token_ids is None else eos_token_ids
            ),
            logits_processor=logits_processor,
        )
        request.check_fit(vocabulary_size=self._vocabulary_size, window=self.max_length)
        return iter(self._loop(request, drafting))

    def generate_batch(
        self,
        prompts: Sequence[Sequence[int]],
        references: Sequence[Sequence[Reference]] | None = None,
        **options: Unpack[DecodingOptions],
    ) -> list[Generation]:
        """Decode many prompts, each exactly as `generate` would; one list of references per prompt.

        The rows are decoded one after another. All other arguments are those of `generate`.

        Raises:
            InputError: There are not as many lists of references as prompts.
        """
        sources = [()] * len(prompts) if references is None else references
        if len(sources) != len(prompts):
            raise InputError(
                f"There are {len(prompts)} prompts and {len(sources)} lists of references; give "
                f"one list per prompt."
            )
        return [
            self.generate(prompt, own, **options)
            for prompt, own in zip(prompts, sources, strict=True)
        ]

    def _loop(self, request: Request, drafting: Drafting) -> DecodeLoop:
        drafters = select_drafters(drafting, self._support.config)
        verifier = self._new_verifier()
        mixer = Mixer(
            [
                GuardedSession(
                    drafter,
                    request.prompt_ids,
                    request.references,
                    vocabulary_size=self._vocabulary_size,
                )
                for drafter in drafters
            ],
            config=self._support.config,
            forks=verifier.takes_trees,
            cost=self._cost,
        )
        text = None if self.tokenizer is None else TextStream(cast("Tokenizer", self.tokenizer))
        rule = StopRule(
            eos_token_ids=request.eos_token_ids,
            max_tokens=min(request.max_new_tokens, self.max_length - len(request.prompt_ids)),
            stop=request.stop,
            text=text,
        )
        return DecodeLoop(
            request,
            verifier=verifier,
            mixer=mixer,
            chooser=Chooser(request, self.model.device),
            rule=rule,
            clock=time.perf_counter,
        )

    def _new_verifier(self) -> Verifier | RereadingVerifier:
        return self._support.new_verifier(self.model, window=self.max_length)


def _fold(steps: Sequence[Step]) -> Generation:
    """The whole that the steps make."""
    last = steps[-1]
    assert last.finish_reason is not None, "a loop ends with a reason"
    return Generation(
        token_ids=tuple(token for step in steps for token in step.token_ids),
        text="".join(step.text for step in steps),
        copied=tuple(span for step in steps for span in step.copied),
        finish_reason=last.finish_reason,
        stats=last.stats,
    )


def _window(model: "PreTrainedModel") -> int:
    """Positions that the model was made for; models without a limit give `sys.maxsize`."""
    config = model.config.get_text_config(decoder=True)
    for name in (
        "max_position_embeddings",
        "max_seq_len",
        "seq_length",
        "n_positions",
        "max_target_positions",
    ):
        value = getattr(config, name, None)
        if isinstance(value, int) and value > 0:
            return value
    return sys.maxsize


def _vocabulary_size(model: "PreTrainedModel") -> int:
    """Number of token ids that the model can read."""
    try:
        weight = model.get_input_embeddings().weight
    except (AttributeError, NotImplementedError):
        weight = None
    if not isinstance(weight, Tensor):
        raise UnsupportedModelError(
            f"The model type {model.config.model_type!r} has no embedding of text tokens. Choose a "
            f"causal language model that reads text alone, such as Llama, Qwen or Mamba."
        )
    return weight.shape[0]


def _eos_token_ids(model: "PreTrainedModel") -> tuple[int, ...]:
    """The tokens that end a text, as the model's generation settings have it."""
    settings = getattr(model, "generation_config", None)
    value = getattr(settings, "eos_token_id", None)
    if value is None:
        value = model.config.get_text_config(decoder=True).eos_token_id
    if value is None:
        return ()
    return (value,) if isinstance(value, int) else tuple(value)
