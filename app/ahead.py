"""Preparing documents ahead of the sync that asks for them, on workers.

The sync stays what it is: it goes through the files in order and is the only one that writes. So
what it stores is the same, bit for bit, as without workers; a wrong guess at what it will ask for
costs time only.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from quoth.app.ray_pool import Job, WorkerLostError
from quoth.errors import DocumentError, ReaderError
from quoth.retrieval.embedder import Embedder, Vectors
from quoth.retrieval.parsing import Parser
from quoth.retrieval.preparing import (
    ExpectedFile,
    PreparedDocument,
    Recipe,
    checked_vectors,
    prepare,
)
from quoth.retrieval.progress import Progress
from quoth.retrieval.walking import FoundFile

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A file that cannot be prepared, in the version with this hash, and why."""

    digest: str
    reason: str
    is_fault: bool  # of the reader; it may do better another time

    def error(self) -> DocumentError:
        """What to raise where the file was asked for."""
        return ReaderError(self.reason) if self.is_fault else DocumentError(self.reason)


class Pool(Protocol):
    """Does jobs somewhere else; see `ActorPool`."""

    def submit(self, job: Job, *, urgent: bool = False) -> None:
        """Have a job done."""
        ...

    def withdraw(self, job: Job) -> None:
        """A job is not needed any more."""
        ...

    def result(self, job: Job) -> Any:  # noqa: ANN401 - what the method returns
        """Wait for what a job gives."""
        ...

    def collect(self, *, wait: bool = False) -> None:
        """Take in what is done by now, or wait until something is."""
        ...


class Worker:
    """What runs on the workers: the methods that jobs name. Loads the embedder once."""

    def __init__(self, load: Callable[[], Embedder], recipe: Recipe) -> None:
        self._load = load
        self._recipe = recipe
        self._parser = Parser(recipe.limits)

    def greet(self) -> tuple[str, int]:
        """Get ready; id and dimension of the embedder."""
        self._embedder = self._load()
        return self._embedder.id, self._embedder.dim

    def look(self, expected: ExpectedFile) -> PreparedDocument | Refusal | None:
        """Read and prepare a file; None if nothing is to be done or to be read here."""
        try:
            with expected.file.path.open("rb") as file:
                content = file.read(self._recipe.limits.max_bytes + 1)
        except OSError:
            return None
        digest = hashlib.sha256(content).hexdigest()
        return None if digest == expected.known_sha256 else self.prepare(expected.file, content)

    def prepare(self, file: FoundFile, content: bytes) -> PreparedDocument | Refusal:
        """Prepare a file from its bytes."""
        digest = hashlib.sha256(content).hexdigest()
        try:
            return prepare(file, content, digest, self._recipe, self._parser.load)
        except DocumentError as error:
            is_fault = isinstance(error, ReaderError)
            return Refusal(digest=digest, reason=str(error), is_fault=is_fault)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts of one document."""
        return checked_vectors(self._embedder, texts)


@dataclass(slots=True, kw_only=True)
class _Entry:
    """A file that the workers have been given."""

    expected: ExpectedFile
    looking: Job
    keys: frozenset[bytes] = frozenset()
    texts: tuple[str, ...] | None = None  # what is embedded ahead; None: not known yet
    embedding: Job | None = None


class AheadPreparer:
    """A `Preparer` that keeps a pool of workers busy with what comes next.

    At most `max_files` files, and `max_bytes` of them, are ahead of the one that is asked for.
    """

    def __init__(self, pool: Pool, *, max_files: int, max_bytes: int = 64 * MEBIBYTE) -> None:
        self._pool = pool
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._files: Sequence[ExpectedFile] = ()
        self._places: dict[FoundFile, int] = {}
        self._next = 0  # place of the file that the workers are given next
        self._ahead: dict[int, _Entry] = {}  # by place, ascending
        self._current: _Entry | None = None

    def expect(
        self, files: Sequence[ExpectedFile], known: Callable[[Sequence[bytes]], set[bytes]]
    ) -> None:
        """Start with the first of them."""
        for entry in self._ahead.values():
            self._withdraw(entry)
        self._files = files
        self._places = {expected.file: place for place, expected in enumerate(files)}
        self._known = known
        self._next = 0
        self._ahead = {}
        self._current = None
        self._go_on()

    def prepare(self, file: FoundFile, content: bytes, digest: str) -> PreparedDocument:
        """What the workers made of the file; made now if they have another version of it."""
        self._current = entry = self._taken(file)
        found = self._result(entry.looking) if entry else None
        if found is None or _digest(found) != digest:
            self._current = None
            found = self._result(self._now("prepare", file, content))
        if isinstance(found, Refusal):
            raise found.error()
        prepared: PreparedDocument = found
        return prepared

    def embed(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """The vectors that the workers made; made now if others are asked for."""
        entry = self._current
        guessed = entry.embedding if entry and entry.texts == tuple(texts) else None
        vectors: Vectors = self._result(guessed or self._now("embed", texts))
        if progress:
            progress(len(texts), len(texts), "embedding")
        return vectors

    def _taken(self, file: FoundFile) -> _Entry | None:
        """The entry of a file that was expected; those before it were passed over, and go."""
        place = self._places.get(file, -1)
        for passed in [each for each in self._ahead if each < place]:
            self._withdraw(self._ahead.pop(passed))
        if self._next <= place:
            self._next = place
            self._look()
        entry = self._ahead.pop(place, None)
        self._go_on()
        return entry

    def _go_on(self) -> None:
        """Give the workers files while there is room."""
        while self._next < len(self._files):
            num_bytes = sum(entry.expected.size for entry in self._ahead.values())
            size = self._files[self._next].size
            is_full = len(self._ahead) == self._max_files or num_bytes + size > self._max_bytes
            if self._ahead and is_full:
                return
            self._look()

    def _look(self) -> None:
        expected = self._files[self._next]
        entry = _Entry(expected=expected, looking=Job("look", expected))
        self._ahead[self._next] = entry
        self._next += 1
        self._pool.submit(entry.looking)

    def _now(self, method: str, *arguments: object) -> Job:
        job = Job(method, *arguments)
        self._pool.submit(job, urgent=True)
        return job

    def _result(self, job: Job) -> Any:  # noqa: ANN401 - what the method returns
        """Wait for a job; meanwhile have embedded what was looked at."""
        while True:
            self._pool.collect(wait=not job.is_done)
            self._guess()
            if job.is_done:
                break
        try:
            return self._pool.result(job)
        except WorkerLostError as error:
            raise ReaderError(f"could not be read: {error}") from error

    def _guess(self) -> None:
        """Have embedded what the sync will most likely ask for: texts nobody before it had."""
        entries = [self._current, *self._ahead.values()] if self._current else self._ahead.values()
        claimed: set[bytes] = set()
        for entry in list(entries):
            if entry.texts is None and entry.looking.is_done:
                self._embed_ahead(entry, claimed)
            claimed |= entry.keys

    def _embed_ahead(self, entry: _Entry, claimed: set[bytes]) -> None:
        found = entry.looking.value
        entry.texts = ()
        if not isinstance(found, PreparedDocument):
            return
        keys = [passage.vector_key for passage in found.passages]
        entry.keys = frozenset(keys)
        fresh = entry.keys - claimed - self._known(list(entry.keys))
        texts = {key: text for key, text in zip(keys, found.texts, strict=True) if key in fresh}
        entry.texts = tuple(texts.values())
        if texts:
            entry.embedding = self._now("embed", entry.texts)

    def _withdraw(self, entry: _Entry) -> None:
        self._pool.withdraw(entry.looking)
        if entry.embedding:
            self._pool.withdraw(entry.embedding)


def _digest(found: PreparedDocument | Refusal) -> str:
    return found.digest if isinstance(found, Refusal) else found.record.content_sha256
