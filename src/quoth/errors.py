"""Everything that Quoth raises on purpose, in one tree.

QuothError
├── ConfigError (also ValueError)      a bad value or an unknown key            exit 2
├── InputError (also ValueError)       a question or path that cannot be used   exit 2
│   └── DocumentError                  a document that cannot be read           exit 2
│       └── ReaderError                its reader failed; another try may not   exit 2
├── IndexFailure
│   ├── IndexNotFoundError             no index there                           exit 3
│   ├── IndexFormatError               not readable: damaged, or another format exit 3
│   ├── EmbedderMismatchError          built with another embedder              exit 3
│   ├── IndexBusyError                 another process is writing               exit 3
│   └── ParserStartError               the process that reads files won't start exit 3
├── DraftStoreError                    a draft store that cannot be read        exit 3
│   └── TokenizerMismatchError         made with another tokenizer              exit 3
├── ModelLoadError                     the model could not be loaded            exit 4
│   └── UnsupportedModelError          loaded, but it cannot be decoded with    exit 4
├── NoTokenError (also ValueError)     every token is forbidden, a logit is NaN exit 4
├── ContextOverflowError               prompt and answer exceed the window      exit 5
├── ServeError                         port in use, address not available       exit 6
└── MissingExtraError (also ImportError)  an optional part is not installed     exit 7

Each class carries the exit code that the command line ends with. A message says what happened, with
the value, and what to do.
"""

import math
from typing import ClassVar


class QuothError(Exception):
    """Root of everything that Quoth raises on purpose."""

    exit_code: ClassVar[int] = 1


class ConfigError(QuothError, ValueError):
    """A setting has a bad value, or nobody knows its name."""

    exit_code = 2


class InputError(QuothError, ValueError):
    """What the user handed in cannot be used: an empty question, a path that is not there."""

    exit_code = 2


class DocumentError(InputError):
    """One document cannot be read: encrypted, empty, broken, binary. The message is the reason."""


class ReaderError(DocumentError):
    """The reader of a document failed, by a fault or for want of time or memory.

    Another try may do better, so the next sync makes one though the file has not changed.
    """


class IndexFailure(QuothError):
    """Something is wrong with an index on disk."""

    exit_code = 3


class IndexNotFoundError(IndexFailure):
    """There is no index at the given path."""


class IndexFormatError(IndexFailure):
    """The index cannot be read: damaged, or written in another format."""


class EmbedderMismatchError(IndexFailure):
    """The index was built with another embedder than the one it is opened with."""

    def __init__(self, *, built: str, built_dim: int, given: str, given_dim: int) -> None:
        self.built = built
        self.built_dim = built_dim
        self.given = given
        self.given_dim = given_dim
        super().__init__(
            f"The index was built with the embedder {built!r} ({built_dim} dimensions); the given "
            f"one is {given!r} ({given_dim}). Open it with --embedder {built}, or build a new "
            f"index in another folder with --index."
        )


class IndexBusyError(IndexFailure):
    """Another process is writing to the index."""


class ParserStartError(IndexFailure):
    """The process that reads documents for the index does not start."""


class DraftStoreError(QuothError):
    """A file of phrases or of past answers is not there, damaged, or of another kind or version."""

    exit_code = 3


class TokenizerMismatchError(DraftStoreError):
    """A draft store was made with another tokenizer: its numbers stand for other tokens."""


class ModelLoadError(QuothError):
    """A language model or embedder could not be loaded."""

    exit_code = 4


class UnsupportedModelError(ModelLoadError):
    """The model loads, but the decoder cannot work with it (no cache that can be rolled back)."""


class NoTokenError(QuothError, ValueError):
    """No token can be chosen: every one is forbidden, or the logits are no numbers.

    `best` is the largest logit of that position: -inf, NaN or, when sampling, +inf.
    """

    exit_code = 4

    def __init__(self, *, position: int, best: float) -> None:
        self.position = position
        self.best = best
        why = (
            "every logit is -inf. Allow more tokens in bad_words and the logits processors"
            if best == -math.inf
            else f"a logit is {best}. If no logits processor made it, the model computes it: load "
            f"it with another dtype, such as float32"
        )
        super().__init__(f"No token can be chosen at output position {position}: {why}.")


class ContextOverflowError(QuothError):
    """The prompt and the answer do not fit into the model's window."""

    exit_code = 5

    def __init__(
        self,
        *,
        needed: int,
        window: int,
        what: str = "The prompt",
        remedy: str = "Shorten it, or take a model with a longer window",
    ) -> None:
        self.needed = needed
        self.window = window
        super().__init__(
            f"{what} needs {needed} tokens; the model's window leaves {window}. {remedy}."
        )


class ServeError(QuothError):
    """The server cannot listen where it was told to."""

    exit_code = 6


class MissingExtraError(QuothError, ImportError):
    """An optional dependency is not installed."""

    exit_code = 7

    def __init__(self, *, module: str, extra: str) -> None:
        self.module = module
        self.extra = extra
        super().__init__(
            f"This needs {module!r}, which is not installed. Install it with: "
            f"pip install 'quoth[{extra}]'"
        )
