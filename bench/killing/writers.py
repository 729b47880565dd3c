"""A process that changes an index, tells of every change, and is killed at a random moment."""

import json
import os
import random
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from quoth.retrieval import ChunkingConfig, Embedder, HashingEmbedder, Index
from quoth.retrieval.loaders import load
from quoth.retrieval.preparing import LocalPreparer, Preparer, Recipe
from quoth.retrieval.records import DocumentRecord, FileRecord, PassageRecord, TextRecord

WORDS = ("raven", "nest", "cliff", "river", "stone", "winter", "letter", "harbour", "engine")
DIM = 32
SMALL_CHUNKS = ChunkingConfig(target=40, smallest=10)
Action = Callable[[Index, Path], object]
Event = dict[str, Any]


@contextmanager
def opened(folder: Path) -> Iterator[Index]:
    """The index, as child and parent open it."""
    import faiss

    faiss.omp_set_num_threads(1)  # threads do not survive a fork
    with Index.open_or_create(
        folder / "index", embedder=HashingEmbedder(DIM), chunking=SMALL_CHUNKS
    ) as index:
        yield index


def change_files(docs: Path, chance: random.Random) -> None:
    """Write, change, move, copy and delete a few files."""
    for _ in range(chance.randint(1, 8)):
        files = sorted(path for path in docs.rglob("*") if path.is_file())
        place = docs / chance.choice(["", "a", "b/c"]) / f"{chance.randrange(40)}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        if not files or chance.random() < 0.45:
            place.write_text(made_text(chance), encoding="utf-8")
            continue
        file = chance.choice(files)
        what = chance.choice(["append", "move", "copy", "delete", "insert"])
        if what == "append":
            file.write_text(file.read_text("utf-8") + made_text(chance), encoding="utf-8")
        elif what == "insert":
            file.write_text(made_text(chance) + file.read_text("utf-8"), encoding="utf-8")
        elif what == "move":
            file.replace(place)
        elif what == "copy":
            place.write_bytes(file.read_bytes())
        else:
            file.unlink()


def made_text(chance: random.Random) -> str:
    """A few paragraphs."""
    sentences = (" ".join(chance.choices(WORDS, k=chance.randint(4, 14))) for _ in range(99))
    count = chance.randint(1, 12)
    return "".join(f"{next(sentences).capitalize()}. {next(sentences)}.\n\n" for _ in range(count))


def killed_child(
    folder: Path, docs: Path, action: Action, seconds: float
) -> tuple[list[Event], bool]:
    """Let a child act, kill it after `seconds`; what it told, and whether the signal hit it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        act(folder, docs, action, writer)
    os.close(writer)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, encoding="utf-8") as told:
        lines = [json.loads(line) for line in told]
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status):
        lines.append({"event": "failed"})
    return lines, os.WIFSIGNALED(status)


def act(folder: Path, docs: Path, action: Action, writer: int) -> None:
    """The life of a child."""
    status = 1
    try:
        with opened(folder) as index:
            watch(index, lambda event: os.write(writer, (json.dumps(event) + "\n").encode()))
            action(index, docs)
        status = 0
    except BaseException:  # noqa: BLE001 - the parent sees no more of it than this
        traceback.print_exc()
    finally:
        os._exit(status)


def watch(index: Index, tell: Callable[[Event], object]) -> None:
    """Tell of every change of documents when it begins, and when it is committed."""
    store = index._store
    replace, remove, place = store.replace, store.remove, store.place

    def told_replace(
        document: DocumentRecord,
        content: TextRecord,
        passages: Sequence[PassageRecord],
        file: FileRecord | None = None,
    ) -> None:
        what = {"id": document.id, "sha256": document.content_sha256, "passages": len(passages)}
        tell({"event": "replacing"} | what)
        replace(document, content, passages, file)
        tell({"event": "replaced"} | what)

    def told_remove(document_id: str) -> None:
        tell({"event": "removing", "ids": [document_id]})
        remove(document_id)
        tell({"event": "removed", "ids": [document_id]})

    def told_place(files: Sequence[FileRecord], gone: Sequence[str] = ()) -> list[str]:
        tell({"event": "placing"})
        ids = place(files, gone)
        tell({"event": "removed", "ids": ids})
        return ids

    for told in (told_replace, told_remove, told_place):
        setattr(store, told.__name__.removeprefix("told_"), told)


def sync(index: Index, docs: Path) -> None:
    """Sync, reading the files in this process, so that kills hit the index and not a start."""
    index.sync([docs], preparer=_in_process)


def sync_all(index: Index, docs: Path) -> None:
    """Sync, reading every file."""
    index.sync([docs], preparer=_in_process, checksum=True)


def sync_as_usual(index: Index, docs: Path) -> None:
    """Sync, reading the files in a process of their own."""
    index.sync([docs])


def remove_some(index: Index, docs: Path) -> None:
    """Remove two documents, then sync."""
    for document in index.documents()[:2]:
        index.remove(document.document_id)
    sync(index, docs)


def repair(index: Index, docs: Path) -> None:
    """Repair, then sync."""
    Index.repair(index.path)
    sync(index, docs)


def compact(index: Index, docs: Path) -> None:
    """Make the vectors anew in a mapped file, sync, and make them one exact file again."""
    index.optimise("sq8")
    sync(index, docs)
    index.optimise("flat")


@contextmanager
def _in_process(embedder: Embedder, recipe: Recipe) -> Iterator[Preparer]:
    yield LocalPreparer(embedder, recipe, load)


ACTIONS: list[Action] = [*5 * [sync], sync_all, sync_as_usual, remove_some, repair, compact]
