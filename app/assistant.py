"""The assistant: retrieve, prompt, decode, cite. Streaming is the primitive; `ask` folds over it.

The only place where passages become copy sources. Knows no UI, no terminal and no HTTP.
"""

import threading
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Self

from quoth.app.citations import CitationTracker
from quoth.app.collection import Collection
from quoth.app.context import Fitted, fit
from quoth.app.conversations import Conversations
from quoth.app.engines import (
    choose_drafting,
    load_decoder,
    nothing_to_answer_from,
    open_index,
    search_options,
)
from quoth.app.events import Answer, Cited, Done, Event, Retrieved, ScoredPassage, Text
from quoth.app.measures import measure
from quoth.app.questions import check_question
from quoth.app.settings import Settings
from quoth.app.sources import citable_sources
from quoth.app.tokenizing import ChatTokenizer
from quoth.app.wording import counted
from quoth.decoding import Decoder, Step
from quoth.errors import ConfigError, UnsupportedModelError
from quoth.retrieval import Filters, Index, Progress, SearchHit, SyncReport
from quoth.types import Turn

BASE_MODEL_STOPS = ("\n\nQuestion:",)  # a base model goes on with a question of its own


class Assistant:
    """Answers questions from the documents of one index, and says where each copied word is from.

    One answer is decoded at a time; further questions wait their turn. Safe to use from several
    threads.
    """

    def __init__(self, index: Index, decoder: Decoder, settings: Settings) -> None:
        self.index = index
        self.collection = Collection(index)
        self.settings = settings
        self.decoder = decoder
        if decoder.tokenizer is None:
            raise UnsupportedModelError(
                "The decoder has no tokenizer, and questions are text. Give it one: "
                "Decoder(model, tokenizer)."
            )
        if settings.max_new_tokens >= decoder.max_length:
            raise ConfigError(
                f"max_new_tokens is {settings.max_new_tokens}; the model's window has only "
                f"{decoder.max_length} tokens for question, passages and answer together."
            )
        self._tokenizer = ChatTokenizer(decoder.tokenizer)
        self._search_options = search_options(settings)
        self._drafting = choose_drafting(settings, decoder)
        self._conversations = Conversations()
        self._model_turn = threading.Lock()

    @classmethod
    def open(cls, settings: Settings, *, create: bool = True) -> Self:
        """Open the index and load both models, the language model last.

        Args:
            settings: What to open.
            create: Make an empty index where there is none.

        Raises:
            IndexNotFoundError: There is no index, and `create` is off.
            IndexFailure: The index is damaged, of another format, or of another embedder.
            ModelLoadError: The language model or the embedder cannot be loaded.
        """
        index = open_index(settings, create=create)
        try:
            return cls(index, load_decoder(settings), settings)
        except BaseException:
            index.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the index."""
        self.index.close()

    def ask(
        self, question: str, conversation_id: str | None = None, *, filters: Filters | None = None
    ) -> Answer:
        """Answer one question; see `stream`."""
        for event in self.stream(question, conversation_id, filters=filters):
            if isinstance(event, Done):
                return event.answer
        raise RuntimeError("the stream of events ended without an answer")

    def stream(
        self, question: str, conversation_id: str | None = None, *, filters: Filters | None = None
    ) -> Iterator[Event]:
        """Answer one question as a stream of events (`quoth.app.events`).

        Args:
            question: What to answer, in the words of the user.
            conversation_id: From `new_conversation`; its turns are part of the prompt and may be
                copied from. None starts a new conversation.
            filters: Which documents may answer; by default all.

        Raises:
            InputError: The question is empty or too long, or the index holds nothing.
            ContextOverflowError: Question and best passage exceed the model's window.
        """
        question = check_question(question, self.settings.max_question_chars)
        conversation_id = conversation_id or self.new_conversation()
        with self._model_turn:
            yield from self._answer(question, conversation_id, filters)

    def _answer(
        self, question: str, conversation_id: str, filters: Filters | None
    ) -> Iterator[Event]:
        turns = self._conversations.turns(conversation_id)
        began = perf_counter()
        hits = self._retrieve(question, turns, filters)
        retrieve_s = perf_counter() - began
        fitted = self._fit(question, hits, turns)
        scored = _scored(hits[: len(fitted.passages)])
        yield Retrieved(passages=scored)
        tracker = CitationTracker(
            citable_sources(fitted, self.page_at),
            decode=self._tokenizer.decode,
            min_chars=self.settings.min_citation_chars,
        )
        try:
            last = yield from self._decode(fitted, tracker)
        finally:  # an answer that was stopped stays part of the conversation, as far as it came
            turn = self._conversations.add(conversation_id, question, tracker.text)
        citations = tracker.all_citations()
        coverage, stats = measure(tracker.text, citations, fitted, last, retrieve_s)
        yield Done(
            answer=Answer(
                text=tracker.text,
                citations=citations,
                coverage=coverage,
                passages=scored,
                stats=stats,
                conversation_id=conversation_id,
                turn_id=turn.id,
                notices=(*fitted.notices, *_cut_off(last, self.settings.max_new_tokens)),
                is_cut_off=last.finish_reason == "length",
            )
        )

    def new_conversation(self, exchanges: Sequence[tuple[str, str]] = ()) -> str:
        """Start a conversation, with questions and answers that went before; return its id."""
        conversation_id = self._conversations.start()
        for question, answer in exchanges:
            self._conversations.add(conversation_id, question, answer)
        return conversation_id

    def source_text(self, source_id: str) -> str:
        """The whole text of a source: a document's canonical text, or a turn's."""
        turn = self._conversations.find(source_id)
        return turn.text if turn else self.index.text(source_id)

    def page_at(self, source_id: str, offset: int) -> int | None:
        """The page of an offset into a source; None where the source has no pages."""
        if self._conversations.find(source_id):
            return None
        return self.index.page_at(source_id, offset)

    def location(self, source_id: str, start: int, end: int) -> str:
        """Where in its file a range of a source stands, such as "lines 4-9"; empty if not known."""
        if self._conversations.find(source_id):
            return ""
        return self.index.location(source_id, start, end)

    def sync(self, paths: Sequence[Path], progress: Progress | None = None) -> SyncReport:
        """Bring the index up to date with files and folders; see `Index.sync`."""
        return self.index.sync(paths, progress=progress)

    def _retrieve(
        self, question: str, turns: Sequence[Turn], filters: Filters | None
    ) -> list[SearchHit]:
        """The best passages; a follow-up question is also searched with the one before it.

        "And on Sundays?" finds nothing by itself. A passage keeps the better of its two scores.
        """
        k = self.settings.num_passages
        found = partial(self.index.search, k=k, filters=filters, options=self._search_options)
        hits = found(question)
        if not hits:
            raise nothing_to_answer_from(self.index, self.settings.mode, filters)
        asked = [turn.text for turn in turns if turn.role == "user"]
        if asked:
            hits = [*hits, *found(f"{asked[-1]} {question}")]
        best: dict[str, SearchHit] = {}
        for hit in hits:
            known = best.get(hit.passage.id)
            if known is None or hit.score > known.score:
                best[hit.passage.id] = hit
        return sorted(best.values(), key=lambda hit: -hit.score)[:k]

    def _fit(self, question: str, hits: Sequence[SearchHit], turns: Sequence[Turn]) -> Fitted:
        """The prompt, with as many passages and turns as leave room for the answer."""
        return fit(
            self._tokenizer,
            question=question,
            passages=[hit.passage for hit in hits],
            turns=turns,
            budget=self.decoder.max_length - self.settings.max_new_tokens,
        )

    def _decode(
        self, fitted: Fitted, tracker: CitationTracker
    ) -> Generator[Text | Cited, None, Step]:
        settings = self.settings
        steps = self.decoder.stream(
            fitted.prompt.token_ids,
            references=[source.reference for source in fitted.prompt.sources],
            max_new_tokens=settings.max_new_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            seed=settings.seed,
            drafting=self._drafting,
            stop=() if self._tokenizer.has_template else BASE_MODEL_STOPS,
        )
        for step in steps:
            start = len(tracker.text)
            cited = tracker.feed(step.token_ids, step.text, step.copied)
            if step.text:
                yield Text(start=start, text=step.text)
            yield from (Cited(citation=citation) for citation in cited)
        yield from (Cited(citation=citation) for citation in tracker.finish())
        return step


def _scored(hits: Sequence[SearchHit]) -> tuple[ScoredPassage, ...]:
    """The passages as the prompt numbers them."""
    return tuple(
        ScoredPassage(number=number, passage=hit.passage, score=hit.score)
        for number, hit in enumerate(hits, start=1)
    )


def _cut_off(last: Step, max_new_tokens: int) -> tuple[str, ...]:
    """What to say of an answer that did not come to its end."""
    if last.finish_reason != "length":
        return ()
    limit = counted(max_new_tokens, "token")
    return (f"The answer was cut off at {limit}; --max-new-tokens sets another limit.",)
