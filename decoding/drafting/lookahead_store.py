"""Past prompts and answers of one user or tenant: bounded, kept apart from all others, saved.

After the trie of Lookahead (Zhao et al., arXiv 2312.12728), which grows a tree per first token
without a common bound; here all texts lie in one ring of tokens (`token_ring`), and the newest
overwrites the oldest. Any number of threads may ask and add.
"""

import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from quoth.decoding.drafting.array_file import read_arrays, write_arrays
from quoth.decoding.drafting.saved_texts import encoded, newest_texts
from quoth.decoding.drafting.token_ring import (
    BYTES_PER_TOKEN,
    MAX_TOKEN,
    PastText,
    Recalled,
    TokenRing,
)
from quoth.decoding.tokens import token_array, token_sequence
from quoth.errors import ConfigError, DraftStoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KIND, VERSION = "past answers", 1
SMALLEST = 1 << 16
"""The smallest bound on a store, in bytes."""

_WHAT = "A past text"
_WAITING = 4  # texts that wait to be written, each of a sixteenth of all bytes at most
_DEFAULT_BYTES = 1 << 25


class LookaheadStore:
    """The past of one scope.

    Args:
        max_bytes: All its arrays together never take more.

    Raises:
        ConfigError: `max_bytes` is less than `SMALLEST`.
    """

    def __init__(self, max_bytes: int = _DEFAULT_BYTES) -> None:
        if type(max_bytes) is not int or max_bytes < SMALLEST:
            raise ConfigError(
                f"max_bytes is {max_bytes!r}; a store of past answers needs at least {SMALLEST}."
            )
        self.max_bytes = max_bytes
        self._longest = max_bytes // 16 // 8  # tokens of a text, as 64-bit integers
        self._ring = TokenRing((max_bytes - max_bytes // 16 * _WAITING) // BYTES_PER_TOKEN)
        self._lock = threading.Lock()
        self._holder: int | None = None
        self._waiting: deque[tuple[NDArray[np.int64], int]] = deque(maxlen=_WAITING)

    @property
    def capacity(self) -> int:
        """How many tokens fit, with one separator a text."""
        return self._ring.size

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self._ring.nbytes + sum(tokens.nbytes for tokens, _ in tuple(self._waiting))

    def add(self, token_ids: Sequence[int], *, answer_start: int = 0) -> None:
        """Remember a text; of one that is longer than a quarter of the capacity, the end.

        Args:
            token_ids: A prompt and its answer, whole or broken off.
            answer_start: Where the answer begins.

        Raises:
            InputError: It is no flat sequence of integers.
            ConfigError: A token id is negative or needs more than 31 bits.
        """
        token_ids = token_sequence(token_ids, _WHAT)
        cut = max(0, len(token_ids) - self._longest)
        tokens = token_array(token_ids[cut:], _WHAT, largest=MAX_TOKEN)
        if not len(tokens):
            return
        text = tokens, max(0, answer_start - cut)
        if self._holder == threading.get_ident():  # the garbage collector interrupted this thread
            self._waiting.append(text)
            return
        with self._held() as ring:
            ring.write(*text)

    def recall(
        self,
        context: Sequence[int],  # the last token first
        *,
        limit: int,
        enough: int,
        width: int,
    ) -> list[Recalled]:
        """Where a context stood before; see `TokenRing.recall`."""
        with self._held() as ring:
            return ring.recall(context, limit=limit, enough=enough, width=width)

    def texts(self) -> list[PastText]:
        """All that is remembered, the oldest first; of that the beginning may be lost."""
        with self._held() as ring:
            return ring.texts()

    def save(self, path: Path | str, *, tokenizer: str) -> None:
        """Write all that is remembered to a file, which is replaced in one go.

        Args:
            path: The file. It holds what was asked and answered: guard it like that.
            tokenizer: The `quoth.decoding.vocabulary.fingerprint` that the token ids belong to.

        Raises:
            DraftStoreError: It cannot be written.
        """
        with self._held() as ring:
            tokens, kinds = ring.in_order()
        arrays = encoded(tokens, kinds)
        write_arrays(Path(path), arrays, kind=KIND, version=VERSION, tokenizer=tokenizer)

    @classmethod
    def load(cls, path: Path | str, *, tokenizer: str, max_bytes: int = _DEFAULT_BYTES) -> Self:
        """Make a store of what `save` wrote; if that is more than fits, the newest is kept.

        Memory grows with `max_bytes` and not with the file.

        Raises:
            TokenizerMismatchError: It was written with another tokenizer.
            DraftStoreError: It is not there, damaged, or of another kind or version.
        """
        store = cls(max_bytes)
        texts = saved_texts(path, tokenizer=tokenizer, most=store.capacity, longest=store._longest)
        for text in texts:
            store.add(text.token_ids, answer_start=text.answer_start)
        return store

    @contextmanager
    def _held(self) -> Iterator[TokenRing]:
        """Hold the lock; then write what the garbage collector has brought meanwhile."""
        with self._lock:
            self._holder = threading.get_ident()
            try:
                yield self._ring
                while self._waiting:
                    self._ring.write(*self._waiting.popleft())
            finally:
                self._holder = None


def saved_texts(
    path: Path | str,
    *,
    tokenizer: str,
    most: int = sys.maxsize,
    longest: int = sys.maxsize,
) -> Iterator[PastText]:
    """What `LookaheadStore.save` wrote, text by text; at most the newest, see `newest_texts`.

    Raises:
        TokenizerMismatchError: It was written with another tokenizer.
        DraftStoreError: It is not there, damaged, or of another kind or version.
    """
    dtypes = {"tokens": "<u4", "kinds": "<u1"}
    arrays = read_arrays(Path(path), dtypes, kind=KIND, version=VERSION, tokenizer=tokenizer)
    try:
        yield from newest_texts(**arrays, most=most, longest=longest)
    except ValueError as error:
        raise DraftStoreError(
            f"{str(path)!r} holds no past answers that can be read: {error}."
        ) from error


class LookaheadStores:
    """One store per scope; no text of one is ever seen in another.

    A scope that was not asked for the longest is forgotten when there are too many. Who still holds
    its store can go on using it.

    Args:
        max_bytes: Of all stores together.
        max_scopes: The most scopes; each store gets an equal share of the bytes.

    Raises:
        ConfigError: The share of a scope is less than `SMALLEST`, or there is no scope.
    """

    def __init__(self, max_bytes: int = 1 << 28, max_scopes: int = 16) -> None:
        if type(max_scopes) is not int or max_scopes < 1:
            raise ConfigError(f"max_scopes is {max_scopes!r}; it must be at least 1.")
        if type(max_bytes) is not int or max_bytes // max_scopes < SMALLEST:
            raise ConfigError(
                f"max_bytes is {max_bytes!r}; {max_scopes} scopes need at least {SMALLEST} each."
            )
        self._share = max_bytes // max_scopes
        self._max_scopes = max_scopes
        self._stores: OrderedDict[str, LookaheadStore] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many scopes are remembered."""
        return len(self._stores)

    @property
    def nbytes(self) -> int:
        """Bytes of all stores."""
        with self._lock:
            return sum(store.nbytes for store in self._stores.values())

    def of(self, scope: str) -> LookaheadStore:
        """The store of a scope, empty if it is new or forgotten."""
        with self._lock:
            store = self._stores.pop(scope, None) or LookaheadStore(self._share)
            self._stores[scope] = store
            while len(self._stores) > self._max_scopes:
                self._stores.popitem(last=False)
            return store

    def forget(self, scope: str) -> None:
        """Drop the store of a scope, if there is one."""
        with self._lock:
            self._stores.pop(scope, None)
