"""Making a file of phrases: count, keep the most frequent contexts that fit, lay them out."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quoth.decoding.drafting.array_file import Arrays, write_arrays
from quoth.decoding.drafting.context_keys import KEY_BITS, order_of
from quoth.decoding.drafting.phrase_counting import PhraseCounter
from quoth.decoding.drafting.phrase_store import (
    COUNT_BITS,
    FEWEST_SLOT_BITS,
    KEPT,
    KIND,
    MAX_COUNT,
    REST,
    VERSION,
)
from quoth.errors import ConfigError

SMALLEST = 1 << 16
"""The smallest bound on a file, in bytes."""

DEFAULT_BYTES = 1 << 26

_HEADER_BYTES = 4096  # more than the header of a file ever takes
_PER_SLOT = 2  # contexts, on average
_PAIR_BYTES = 8  # of the bound on the file per pair counted: memory stays below ten times the bound


def build_phrases(
    texts: Iterable[Sequence[int]],
    path: Path | str,
    *,
    tokenizer: str,
    max_bytes: int = DEFAULT_BYTES,
) -> int:
    """Make a file of phrases from token ids, in memory that does not grow with the texts.

    Args:
        texts: Each on its own; no phrase reaches from one into the next.
        path: The file; it is replaced in one go.
        tokenizer: The `quoth.decoding.vocabulary.fingerprint` that the token ids belong to.
        max_bytes: The largest size of the file. Where more is known, the most frequent contexts
            are kept, and the shorter of equally frequent ones.

    Returns:
        How many contexts were kept.

    Raises:
        ConfigError: `max_bytes` is less than `SMALLEST`, or a token id is out of range.
        InputError: A text is no flat sequence of integers.
        DraftStoreError: The file cannot be written.
    """
    if type(max_bytes) is not int or max_bytes < SMALLEST:
        raise ConfigError(f"max_bytes is {max_bytes!r}; phrases need at least {SMALLEST}.")
    counter = PhraseCounter(max_pairs=max_bytes // _PAIR_BYTES)
    for token_ids in texts:
        counter.add(token_ids)
    arrays = _arrays(*_selected(*counter.pairs(), max_bytes - _HEADER_BYTES))
    write_arrays(Path(path), arrays, kind=KIND, version=VERSION, tokenizer=tokenizer)
    return len(arrays["checks"])


def _selected(
    keys: NDArray[np.uint64],
    tokens: NDArray[np.uint64],
    counts: NDArray[np.int64],
    max_bytes: int,
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
    """The pairs to keep, contexts by key, next tokens by falling count, the rest last."""
    order = np.lexsort((tokens, -counts, keys))
    keys, tokens, counts = keys[order], tokens[order], counts[order]
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))[: len(keys)]
    context = np.repeat(np.arange(len(first)), np.diff(first, append=len(keys)))
    rank = np.arange(len(keys)) - first[context]
    totals = np.bincount(context, weights=counts, minlength=len(first)).astype(np.int64)
    tokens = np.where(rank < KEPT, tokens, np.uint64(REST))
    counts = np.where(rank == KEPT, totals[context] - _kept_sums(context, rank, counts), counts)
    kept = _fitting(keys[first], totals, np.bincount(context[rank <= KEPT]), max_bytes)
    chosen = (rank <= KEPT) & kept[context]
    return keys[chosen], tokens[chosen], _scaled(counts[chosen], context[chosen])


def _kept_sums(
    context: NDArray[np.int64], rank: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each pair, the counts of its context's kept tokens together."""
    sums = np.bincount(context, weights=np.where(rank < KEPT, counts, 0)).astype(np.int64)
    return sums[context]


def _fitting(
    keys: NDArray[np.uint64],
    totals: NDArray[np.int64],
    widths: NDArray[np.int64],
    max_bytes: int,
) -> NDArray[np.bool_]:
    """Which contexts to keep; all of them cost 8 bytes, their share of the slots, 4 per token."""
    best = np.lexsort((order_of(keys), -totals))
    fixed = 4 * ((1 << FEWEST_SLOT_BITS) + 2)
    costs = np.cumsum(8 + 4 // _PER_SLOT + 4 * widths[best])
    kept = np.zeros(len(keys), dtype=np.bool_)
    kept[best[: np.searchsorted(costs, max_bytes - fixed, side="right")]] = True
    return kept


def _scaled(counts: NDArray[np.int64], context: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts that fit into their bits, in the same proportions within a context."""
    if not len(counts):
        return counts
    largest = np.zeros(context[-1] + 1, dtype=np.int64)
    np.maximum.at(largest, context, counts)
    by = np.maximum(largest, MAX_COUNT)[context]
    return np.maximum(1, counts * MAX_COUNT // by)


def _arrays(
    keys: NDArray[np.uint64], tokens: NDArray[np.uint64], counts: NDArray[np.int64]
) -> Arrays:
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))[: len(keys)]
    contexts = keys[first]
    bits = max(FEWEST_SLOT_BITS, (len(contexts) // _PER_SLOT).bit_length() - 1)
    prefixes = np.arange((1 << bits) + 1, dtype=np.uint64) << np.uint64(KEY_BITS - bits)
    return {
        "slots": np.searchsorted(contexts, prefixes).astype("<u4"),
        "checks": (contexts & np.uint64(0xFFFFFFFF)).astype("<u4"),
        "starts": np.append(first, len(keys)).astype("<u4"),
        "nexts": (tokens << np.uint64(COUNT_BITS) | counts.astype(np.uint64)).astype("<u4"),
    }
