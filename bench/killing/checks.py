"""What must hold of an index whose writer was killed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from killing.writers import Event, opened
from quoth.retrieval import Index

State = dict[str, "Held"]  # by document id


@dataclass(slots=True)
class Result:
    """What the kills left."""

    kills: int = 0
    survived: int = 0  # kills after which everything was right
    unhurt: int = 0  # children that were done before the signal
    documents_told: int = 0
    documents_lost: int = 0
    passages_lost: int = 0
    problems: list[str] = field(default_factory=list)
    lagging: int = 0  # kills after which `verify` left something to the next sync
    killed_at: dict[str, int] = field(default_factory=dict)  # last thing told


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A document as the index holds it."""

    sha256: str
    num_passages: int


def state_of(index: Index) -> State:
    """What the index holds."""
    return {
        one.document_id: Held(sha256=one.content_sha256, num_passages=one.num_passages)
        for one in index.documents()
    }


def check(folder: Path, docs: Path, before: State, lines: list[Event], result: Result) -> State:
    """Compare the index with what was told; what it holds now."""
    result.documents_told += sum(line["event"] == "replaced" for line in lines)
    if any(line["event"] == "failed" for line in lines):
        result.problems.append("a child failed by itself")
    with opened(folder) as index:
        problems = index.verify().problems
        lagging = [each for each in problems if "next sync" in each]
        result.lagging += bool(lagging)
        result.problems += [each for each in problems if each not in lagging]
        result.problems += [f"passage {each} has other text" for each in wrong_hits(index)]
        actual = state_of(index)
    expected, pending = replayed(before, lines)
    for document_id in expected.keys() | actual.keys():
        wanted, held = expected.get(document_id), actual.get(document_id)
        if held != wanted and not may_be(document_id, held, pending, docs, before):
            result.problems.append(f"{document_id}: {held} instead of {wanted}, {lines[-1:]}")
            result.documents_lost += held is None
            result.passages_lost += wanted.num_passages if wanted and not held else 0
    return actual


def replayed(before: State, lines: list[Event]) -> tuple[State, Event | None]:
    """The state after all that was told to be done, and the change that was in work."""
    state, pending = dict(before), None
    for line in lines:
        pending = None
        if line["event"] == "replaced":
            state[line["id"]] = Held(sha256=line["sha256"], num_passages=line["passages"])
        elif line["event"] == "removed":
            for document_id in line["ids"]:
                state.pop(document_id, None)
        else:
            pending = line
    return state, pending


def may_be(
    document_id: str, held: Held | None, pending: Event | None, docs: Path, before: State
) -> bool:
    """Whether the change in work, had it come about, would explain what a document is now."""
    if pending is None:
        return False
    if pending["event"] == "replacing":
        made = Held(sha256=pending["sha256"], num_passages=pending["passages"])
        return (pending["id"], made) == (document_id, held)
    if pending["event"] == "removing":
        return held is None and document_id in pending["ids"]
    digests = {sha256(path.read_bytes()).hexdigest() for path in docs.rglob("*.txt")}
    is_gone = document_id in before and before[document_id].sha256 not in digests
    return pending["event"] == "placing" and held is None and is_gone


def wrong_hits(index: Index) -> Iterator[str]:
    """Search results that are not text of their documents."""
    for hit in index.search("raven stone harbour", k=50):
        passage = hit.passage
        if index.text(passage.document_id)[passage.start : passage.end] != passage.text:
            yield passage.id


def check_complete(folder: Path, docs: Path, result: Result) -> State:
    """After one sync that nobody kills, the index is sound and holds every file."""
    with opened(folder) as index:
        index.sync([docs])
        result.problems += index.verify().problems
        held: dict[str, str] = {}
        for one in index.documents():
            held |= dict.fromkeys((one.document, *one.copies), index.text(one.document_id))
        texts = {
            path.relative_to(docs).as_posix(): path.read_text("utf-8")
            for path in docs.rglob("*.txt")
        }
        if held != texts:
            result.problems.append(f"not in step: {sorted(held.keys() ^ texts.keys())}")
        return state_of(index)
