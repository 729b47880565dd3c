"""The decoder: token ids in, token ids out, on any causal language model of Hugging Face."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack, cast

from quoth.decoding.checks import check_parts
from quoth.decoding.choosing import Chooser
from quoth.decoding.config import DecodingConfig
from quoth.decoding.drafting.guard import GuardedSession
from quoth.decoding.drafting.mixing import Mixer
from quoth.decoding.drafting.prepared import PreparedSources
from quoth.decoding.drafting.protocol import Drafter
from quoth.decoding.drafting.selection import Material, select_drafters
from quoth.decoding.drafting.spelling import spelling_classes
from quoth.decoding.exactness import safety_of
from quoth.decoding.generation import Generation, Reference, Step
from quoth.decoding.loop import DecodeLoop
from quoth.decoding.models.batching import Batching
from quoth.decoding.models.facts import eos_token_ids_of
from quoth.decoding.models.loading import load_model
from quoth.decoding.models.profile import ModelProfile
from quoth.decoding.options import DecodingOptions
from quoth.decoding.references import checked_references, reference_list
from quoth.decoding.request import Request, naming_row
from quoth.decoding.stopping import StopRule
from quoth.decoding.text_stream import TextStream, Tokenizer
from quoth.decoding.tokens import described, is_iterable
from quoth.errors import ConfigError, InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from quoth.decoding.vocabulary import Vocabulary


class Decoder:
    """Decodes with drafts that the model verifies: the text of plain decoding, only sooner.

    Args:
        model: A loaded causal language model; it is put into evaluation mode.
        tokenizer: Needed for text and stop strings only.
        config: How to draft and verify; rounding apart, it never changes what is generated.
        profile: That of an earlier decoder of the same model and configuration, which has been
            tried then. None: the model is tried now.

    Raises:
        ConfigError: Something else was given for a model, a tokenizer or a configuration.
        UnsupportedModelError: No way of decoding gives the model's own logits.
    """

    def __init__(
        self,
        model: "PreTrainedModel",
        tokenizer: "PreTrainedTokenizerBase | None" = None,
        config: DecodingConfig = DecodingConfig(),  # noqa: B008 - frozen
        *,
        profile: ModelProfile | None = None,
    ) -> None:
        check_parts(model, tokenizer, config)
        self.model = model.eval()  # type: ignore[no-untyped-call] # transformers
        self.tokenizer = tokenizer
        self.config = config
        self.profile = profile or ModelProfile.of(model, config)
        self.max_length = self.profile.window
        self._vocabulary_size = self.profile.vocabulary_size
        self._support = self.profile.support
        self._batching = Batching(
            model,
            self._support,
            window=self.max_length,
            vocabulary_size=self._vocabulary_size,
        )

    @property
    def is_row_invariant(self) -> bool:
        """Whether wider passes gave the bits of plain ones when this model was tried; no proof."""
        return self._support.is_row_invariant

    @property
    def batches_rows(self) -> bool:
        """Whether the rows of a batch share forward passes; the first use tries it."""
        return self.batch_problem is None

    @property
    def batch_problem(self) -> str | None:
        """Why the rows of a batch are decoded one after another instead; None: they are not."""
        return self._batching.problem

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

    def prepare(self, references: Sequence[Reference]) -> None:
        """Index copy sources before the first request that has them: a millisecond per 2 k tokens.

        Nothing changes but the time that this request begins. Sources are indexed once in any case,
        and known by their tokens as long as they are among the last half a million tokens of them.

        Raises:
            InputError: Something is no reference, or holds a token id outside the vocabulary.
        """
        request = Request(prompt_ids=(0,), references=checked_references(references))
        request.check_fit(vocabulary_size=self._vocabulary_size, window=self.max_length)
        for reference in request.references:
            self._prepared.source(reference.token_ids).make()

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
            **options: What `DecodingOptions` lists, with defaults, and in the order in which they
                act on the logits.

        Raises:
            InputError: The prompt or a reference cannot be used, or holds a token id that is
                outside the vocabulary (also a ValueError).
            ConfigError: A setting is out of range (also a ValueError).
            ContextOverflowError: The prompt leaves no room in the window.
            NoTokenError: All tokens are forbidden at a position, or a logit is NaN.
        """
        return Generation.of(list(self.stream(prompt_ids, references, **options)))

    def stream(
        self,
        prompt_ids: Sequence[int],
        references: Sequence[Reference] = (),
        **options: Unpack[DecodingOptions],
    ) -> Iterator[Step]:
        """Decode step by step; same arguments and errors as `generate`, raised at once.

        Steps come as the model confirms them: one token or a burst of copied ones. Closing the
        iterator cancels the rest. Only what concerns a single position, a `NoTokenError` or what
        logits processors do wrong, comes when that position is reached.
        """
        request, drafters = self._checked(prompt_ids, references, options)
        return iter(self._loop(request, drafters))

    def generate_batch(
        self,
        prompts: Sequence[Sequence[int]],
        references: Sequence[Sequence[Reference]] | None = None,
        **options: Unpack[DecodingOptions],
    ) -> list[Generation]:
        """Decode many prompts, each to the text that `generate` would give.

        Rows that are on their way at the same time share forward passes (`batches_rows`), and the
        width that there is for drafts; see `DecodingConfig`. What that width leaves of the drafts
        may change where copied spans begin, and never a token. The prompts are read one by one.

        Args:
            prompts: Token ids, at least one each.
            references: One sequence of copy sources per prompt.
            **options: Those of `generate`, for all rows. Rows with the same seed get the same
                random numbers. Each row gets copies of the logits processors as they are handed in,
                so a state that they keep is the row's own; functions cannot be copied, and what
                they keep outside of themselves is common to all rows.

        Raises:
            InputError: A row cannot be decoded, by its number, or there are not as many sequences
                of references as prompts. Nothing was decoded then.
            ConfigError: A setting is out of range.
            ContextOverflowError: A prompt leaves no room in the window.
        """
        rows = _rows(prompts)
        steps: list[list[Step]] = [[] for _ in rows]
        for number, step in self.stream_batch(rows, references, **options):
            steps[number].append(step)
        return [Generation.of(own) for own in steps]

    def stream_batch(
        self,
        prompts: Sequence[Sequence[int]],
        references: Sequence[Sequence[Reference]] | None = None,
        **options: Unpack[DecodingOptions],
    ) -> Iterator[tuple[int, Step]]:
        """Decode many prompts step by step: (number of the prompt, step), as steps come.

        Same arguments and errors as `generate_batch`, raised at once. Closing the iterator cancels
        the rest.
        """
        rows = _rows(prompts)
        sources: Sequence[Sequence[Reference]] = [()] * len(rows)
        if references is not None:
            sources = reference_list(references)
        if len(sources) != len(rows):
            raise InputError(
                f"There are {len(rows)} prompts and {len(sources)} lists of references; give one "
                f"list per prompt."
            )
        starts = []
        for number, (prompt, own) in enumerate(zip(rows, sources, strict=True)):
            with naming_row(number):
                request, drafters = self._checked(prompt, own, options)
            starts.append(partial(self._loop, request.with_own_processors(), drafters))
        return iter(self._batching.loop(starts))

    def _checked(
        self, prompt_ids: Sequence[int], references: Sequence[Reference], options: DecodingOptions
    ) -> tuple[Request, Sequence[Drafter]]:
        """The request, and the drafters for it."""
        request = Request.from_options(
            prompt_ids, references, options, default_eos=eos_token_ids_of(self.model)
        )
        if self.tokenizer is None and request.stop:
            raise ConfigError("Stop strings need a tokenizer: Decoder(model, tokenizer).")
        request.check_fit(vocabulary_size=self._vocabulary_size, window=self.max_length)
        material = Material(config=self._support.config, prepared=self._prepared)
        return request, select_drafters(options.get("drafting", "auto"), material)

    def _loop(self, request: Request, drafters: Sequence[Drafter]) -> DecodeLoop:
        new_verifier = partial(self._support.new_verifier, self.model, window=self.max_length)
        safety = safety_of(self._support, request, drafters, new_verifier)
        verifier = safety.guard.verifier if safety.guard is not None else new_verifier()
        mixer = Mixer(
            [
                GuardedSession(
                    drafter,
                    request.prompt_ids,
                    request.references,
                    vocabulary_size=self._vocabulary_size,
                )
                for drafter in (drafters if safety.mode != "plain" else ())
            ],
            config=self._support.config,
            forks=verifier.takes_trees,
            cost=self.profile.cost,
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
            safety=safety,
        )

    @cached_property
    def _prepared(self) -> PreparedSources:
        if not hasattr(self.tokenizer, "get_vocab"):  # some read characters or bytes instead
            return PreparedSources()
        return PreparedSources(spelling_classes(cast("Vocabulary", self.tokenizer)))


def _rows(prompts: Iterable[Sequence[int]]) -> list[Sequence[int]]:
    """The prompts of a batch.

    Raises:
        InputError: They are no sequence.
    """
    if isinstance(prompts, str | Mapping) or not is_iterable(prompts):
        raise InputError(
            f"The prompts must be a sequence of sequences of token ids, and are "
            f"{described(prompts)}. Give a list with the token ids of each."
        )
    return list(prompts)
