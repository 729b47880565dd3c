"""Phrases on disk: for contexts of 1 to 4 tokens, what comes next how often.

The file holds four arrays, read as a memory map:

- `slots` [2 ** D + 1]: where the contexts begin whose keys begin with the same D bits;
- `checks` [N]: the lower 32 bits of each context's key, sorted within a slot;
- `starts` [N + 1]: where each context's next tokens begin;
- `nexts` [M]: next tokens, 20 bits each, over 12 bits of their count, the most frequent first;
  the largest token number stands for all the others together.

No text is kept, and rare contexts are left out where there are more than fit.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray

from quoth.decoding.drafting.array_file import Arrays, read_arrays
from quoth.decoding.drafting.context_keys import KEY_BITS, keys_before
from quoth.decoding.drafting.phrase_counting import MAX_TOKEN
from quoth.errors import DraftStoreError

KIND, VERSION = "phrases", 1

COUNT_BITS = 12
"""Bits of a count, below the token's."""

MAX_COUNT = (1 << COUNT_BITS) - 1

KEPT = 4
"""Next tokens of a context that are told apart."""

REST = MAX_TOKEN + 1
"""Stands for all tokens that are not kept."""

_CHECK_BITS = 32

FEWEST_SLOT_BITS = KEY_BITS - _CHECK_BITS
"""With these, slot and check together are the whole key."""

_DTYPES = {"slots": "<u4", "checks": "<u4", "starts": "<u4", "nexts": "<u4"}
_LONGEST_SCAN = 64  # of a slot; more are there only in files made to hurt


class PhraseStore:
    """Phrases for one tokenizer; read only, so any number of threads may ask."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._slots = arrays["slots"].data
        self._checks = arrays["checks"].data
        self._starts = arrays["starts"].data
        self._nexts = arrays["nexts"].data
        self._shift = KEY_BITS - (len(self._slots) - 1).bit_length() + 1

    @classmethod
    def open(cls, path: Path | str, *, tokenizer: str) -> Self:
        """Open the file that `build_phrases` made.

        Args:
            path: The file. It stays mapped as long as the store is in use: `build_phrases` may
                replace it meanwhile, and nothing else may change or cut it.
            tokenizer: The `quoth.decoding.vocabulary.fingerprint` of the model's tokenizer.

        Raises:
            TokenizerMismatchError: It was made with another tokenizer.
            DraftStoreError: It is not there, damaged, or of another kind or version.
        """
        arrays = read_arrays(Path(path), _DTYPES, kind=KIND, version=VERSION, tokenizer=tokenizer)
        if not _is_sound(arrays):
            raise DraftStoreError(
                f"{str(path)!r} holds no phrases that can be read. Make it again."
            )
        return cls(arrays)

    def __len__(self) -> int:
        """How many contexts are known."""
        return len(self._checks)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self._arrays.values())

    def following(
        self,
        context: Sequence[int],  # the last token first
    ) -> list[list[int]]:
        """What followed the last token, the last two, and so on, as far as they are known.

        Each is packed as in the file: `token << COUNT_BITS | count`.
        """
        slots, checks, starts = self._slots, self._checks, self._starts
        found = []
        for key in keys_before(context):
            slot = key >> self._shift
            check = key & 0xFFFFFFFF
            first = slots[slot]
            for place in range(first, min(slots[slot + 1], first + _LONGEST_SCAN)):
                if checks[place] == check:
                    first = starts[place]
                    last = min(starts[place + 1], first + KEPT + 1)
                    found.append(self._nexts[first:last].tolist())
                    break
            else:
                break  # what is not known is not known with more tokens before it either
        return found


def _is_sound(arrays: dict[str, NDArray[Any]]) -> bool:
    """Whether no lookup can leave its array, whatever the file holds."""
    slots, starts = arrays["slots"], arrays["starts"]
    bits = (len(slots) - 1).bit_length() - 1
    return (
        FEWEST_SLOT_BITS <= bits <= KEY_BITS
        and len(slots) == (1 << bits) + 1
        and len(starts) == len(arrays["checks"]) + 1
        and bool((slots[1:] >= slots[:-1]).all())
        and bool((starts[1:] >= starts[:-1]).all())
        and int(slots[-1]) == len(arrays["checks"])
        and int(starts[-1]) == len(arrays["nexts"])
    )
