"""An assistant that answers from a script: real events over real texts, at a pace the test sets."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Signal

from quoth.app.events import (
    Answer,
    AnswerStats,
    Cited,
    Done,
    Event,
    Retrieved,
    ScoredPassage,
    Text,
)
from quoth.errors import InputError
from quoth.types import (
    Citation,
    Location,
    Origin,
    Passage,
    SourceSpan,
    location_between,
    locations_in,
)


@dataclass(frozen=True, kw_only=True)
class Line:
    document_id: str
    document: str
    num_passages: int = 1
    num_pages: int = 0
    is_upload: bool = False


@dataclass(frozen=True, kw_only=True)
class Skipped:
    reason: str


@dataclass(frozen=True, kw_only=True)
class Report:
    skipped: tuple[Skipped, ...] = ()
    unchanged: int = 0
    passages: int = 0


@dataclass(frozen=True, kw_only=True)
class Names:
    """What the assistant says it runs on."""

    model: str = "quoth-mini"
    embedder: str = "all-MiniLM-L6-v2"
    index_path: str = "indexes/demo"


@dataclass(frozen=True)
class Own:
    """Words of the model itself."""

    text: str


@dataclass(frozen=True)
class Copy:
    """Words that stand verbatim in a source."""

    text: str
    source_id: str
    origin: Origin = "copied"
    changed_to: str | None = None  # the source's text from then on


class Pause:
    """The answer goes on when the test says so."""

    def __init__(self) -> None:
        self.reached = Signal()
        self.go_on = Signal()


Script = Sequence[Own | Copy | Pause | Exception]
PAGE_CHARACTERS = 400


@dataclass
class ScriptedAssistant:
    """Fits the chat's protocol; `texts` and `names` map document ids to texts and names."""

    texts: dict[str, str]
    names: dict[str, str]
    script: Callable[[str], Script]
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    turns: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> (who, text)
    pause_s: float = 0.0
    settings: Names = Names()

    @property
    def collection(self) -> "ScriptedCollection":
        return ScriptedCollection(self)

    def stream(self, question: str, conversation_id: str | None = None) -> Iterator[Event]:
        self.asked.append((question, conversation_id))
        passages = tuple(
            ScoredPassage(number=number, passage=self._passage(id_), score=0.9 - number / 10)
            for number, id_ in enumerate(self.texts, start=1)
        )
        yield Retrieved(passages=passages)
        text, citations = "", list[Citation]()
        for step in self.script(question):
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Pause):
                step.reached.set()
                assert step.go_on.wait(60)
                continue
            for word in _words(step.text):
                Signal().wait(self.pause_s) if self.pause_s else None
                yield Text(start=len(text), text=word)
                text += word
            if isinstance(step, Copy):
                citations.append(self._citation(step, len(text) - len(step.text)))
                if step.changed_to is not None:
                    self.texts[step.source_id] = step.changed_to
                if step.origin == "copied":
                    yield Cited(citation=citations[-1])
        yield Done(answer=self._answer(text, citations, passages, conversation_id))

    def new_conversation(self) -> str:
        return f"conversation-{len(self.asked)}"

    def source_text(self, source_id: str) -> str:
        if source_id in self.turns:
            return self.turns[source_id][1]
        if source_id not in self.texts:
            raise InputError(f"There is no source {source_id!r}.")
        return self.texts[source_id]

    def page_at(self, source_id: str, offset: int) -> int | None:
        return offset // PAGE_CHARACTERS + 1 if self.has_pages(source_id) else None

    def location(self, source_id: str, start: int, end: int) -> str:
        return location_between(self._locations(source_id), start, end)

    def _locations(self, source_id: str) -> tuple[Location, ...]:
        if not self.has_pages(source_id):
            return ()
        starts = range(0, len(self.source_text(source_id)), PAGE_CHARACTERS)
        return tuple(Location(start=at, label=f"page {n}") for n, at in enumerate(starts, 1))

    def has_pages(self, source_id: str) -> bool:
        return self.names.get(source_id, "").endswith(".pdf")

    def _passage(self, id_: str) -> Passage:
        text = self.texts[id_]
        end = min(len(text), 600)
        return Passage(
            id=f"{id_}/0",
            document_id=id_,
            document=self.names[id_],
            text=text[:end],
            start=0,
            end=end,
            page=self.page_at(id_, 0),
            locations=locations_in(self._locations(id_), 0, end),
        )

    def _citation(self, copy: Copy, start: int) -> Citation:
        source = self.source_text(copy.source_id)
        at = source.index(copy.text)
        is_turn = copy.source_id in self.turns
        return Citation(
            start=start,
            end=start + len(copy.text),
            source_id=copy.source_id,
            source_start=at,
            source_end=at + len(copy.text),
            document=self.turns[copy.source_id][0] if is_turn else self.names[copy.source_id],
            page=self.page_at(copy.source_id, at),
            location=self.location(copy.source_id, at, at + len(copy.text)),
            kind="turn" if is_turn else "document",
            origin=copy.origin,
            others=self._others(copy),
        )

    def _others(self, copy: Copy) -> tuple[SourceSpan, ...]:
        return tuple(
            SourceSpan(
                source_id=id_,
                start=text.index(copy.text),
                end=text.index(copy.text) + len(copy.text),
            )
            for id_, text in self.texts.items()
            if id_ != copy.source_id and copy.text in text
        )

    def _answer(
        self,
        text: str,
        citations: list[Citation],
        passages: tuple[ScoredPassage, ...],
        conversation_id: str | None,
    ) -> Answer:
        covered, copied = (
            sum(one.end - one.start for one in citations if one.origin in origins)
            / max(1, len(text))
            for origins in ({"copied", "matched"}, {"copied"})
        )
        tokens = max(1, len(text) // 4)
        stats = AnswerStats(
            prompt_tokens=700,
            tokens=tokens,
            forward_passes=max(1, tokens // 3),
            drafted=tokens,
            accepted=tokens // 2,
            copied_share=copied,
            retrieve_s=0.02,
            prefill_s=0.3,
            decode_s=0.9,
        )
        return Answer(
            text=text,
            citations=tuple(sorted(citations, key=lambda one: one.start)),
            coverage=covered,
            passages=passages,
            stats=stats,
            conversation_id=conversation_id or "none",
            turn_id=f"turn-{len(self.asked)}",
        )


@dataclass
class ScriptedCollection:
    """The texts of a scripted assistant as documents."""

    assistant: ScriptedAssistant

    def documents(self) -> list[Line]:
        return [
            Line(
                document_id=id_,
                document=self.assistant.names[id_],
                num_passages=1 + len(text) // 200,
                num_pages=1 + len(text) // PAGE_CHARACTERS if self.assistant.has_pages(id_) else 0,
                is_upload=id_.startswith("upload-"),
            )
            for id_, text in self.assistant.texts.items()
        ]

    def add(self, files: Sequence[Path], names: Sequence[str], progress: object = None) -> Report:
        text = files[0].read_bytes()
        if b"\0" in text:
            return Report(skipped=(Skipped(reason="it is not text"),))
        id_ = f"upload-{len(self.assistant.texts)}"
        self.assistant.texts[id_], self.assistant.names[id_] = text.decode(), names[0]
        return Report(passages=1 + len(text) // 200)

    def remove(self, document_id: str) -> None:
        del self.assistant.texts[document_id], self.assistant.names[document_id]


def _words(text: str) -> list[str]:
    """The text in pieces that end before a space, as a model's tokens do."""
    pieces = text.split(" ")
    return [pieces[0], *(f" {piece}" for piece in pieces[1:])]
