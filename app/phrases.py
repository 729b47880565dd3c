"""Phrases from the user's own texts: documents of an index, files, saved past answers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from quoth.decoding.drafting.lookahead_store import saved_texts
from quoth.decoding.drafting.phrase_building import DEFAULT_BYTES, build_phrases
from quoth.decoding.models.loading import load_tokenizer
from quoth.decoding.vocabulary import fingerprint
from quoth.errors import DocumentError, InputError
from quoth.retrieval import Index, Progress, SkippedFile
from quoth.retrieval.parsing import Parser
from quoth.retrieval.walking import find_files

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_PART = 1 << 18  # characters that are made into tokens at once


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseReport:
    """What went into a file of phrases; `num_bytes` is its size."""

    path: Path
    num_texts: int
    num_tokens: int
    num_contexts: int
    num_bytes: int
    skipped: tuple[SkippedFile, ...]


@dataclass(slots=True, kw_only=True)
class PhraseRecipe:
    """Reads texts one by one and makes a file of phrases for one model.

    Attributes:
        model: Packaged name, Hugging Face name, or path; only its tokenizer is loaded.
        paths: Files and folders.
        index_path: An index, whose documents are read.
        past: Files of past answers, as `LookaheadStore.save` writes them.
        revision: Of the model on the hub.
        progress: Told of texts read.
    """

    model: str
    paths: Sequence[Path] = ()
    index_path: Path | None = None
    past: Sequence[Path] = ()
    revision: str | None = None
    progress: Progress | None = None
    _skipped: list[SkippedFile] = field(default_factory=list)
    _texts: int = 0
    _tokens: int = 0

    def build(self, output: Path, max_bytes: int = DEFAULT_BYTES) -> PhraseReport:
        """Make the file `output`, of at most `max_bytes`.

        Raises:
            InputError: No text could be read.
            ModelLoadError: The tokenizer cannot be loaded.
            IndexFailure: The index is not there or damaged.
            DraftStoreError: Past answers cannot be read, or `output` cannot be written.
            ConfigError: `max_bytes` is too small.
        """
        tokenizer = load_tokenizer(self.model, revision=self.revision)
        texts = self._token_ids(tokenizer)
        first = next(texts, None)
        if first is None:
            reasons = "".join(f" {skip.path}: {skip.reason}." for skip in self._skipped[:3])
            raise InputError(
                f"No text was found to make phrases from.{reasons} Name files, folders or an index."
            )
        kept = build_phrases(
            _chained(first, texts), output, tokenizer=fingerprint(tokenizer), max_bytes=max_bytes
        )
        return PhraseReport(
            path=output,
            num_texts=self._texts,
            num_tokens=self._tokens,
            num_contexts=kept,
            num_bytes=output.stat().st_size,
            skipped=tuple(self._skipped),
        )

    def _token_ids(self, tokenizer: "PreTrainedTokenizerBase") -> Iterator[list[int]]:
        for text in self._from_files():
            yield from self._counted(_encoded(tokenizer, text))
        for text in self._from_index():
            yield from self._counted(_encoded(tokenizer, text))
        for path in self.past:
            for past in saved_texts(path, tokenizer=fingerprint(tokenizer)):
                yield from self._counted([list(past.token_ids)])

    def _counted(self, parts: Iterable[list[int]]) -> Iterator[list[int]]:
        self._texts += 1
        for part in parts:
            self._tokens += len(part)
            yield part

    def _from_files(self) -> Iterator[str]:
        if not self.paths:
            return
        found = find_files(self.paths)
        self._skipped += found.skipped
        with Parser() as parser:
            for number, file in enumerate(found.files):
                self._tell(number, len(found.files), file.name)
                try:
                    with file.path.open("rb") as stream:
                        content = stream.read(parser.limits.max_bytes + 1)
                    yield parser.load(file.path.name, content).text
                except OSError as error:
                    reason = f"cannot be read: {error.strerror}"
                    self._skipped.append(SkippedFile(path=file.path, reason=reason))
                except DocumentError as error:
                    self._skipped.append(SkippedFile(path=file.path, reason=str(error)))

    def _from_index(self) -> Iterator[str]:
        if self.index_path is None:
            return
        with Index.open(self.index_path, embedder=None) as index:
            documents = index.documents()
            for number, document in enumerate(documents):
                self._tell(number, len(documents), document.document)
                yield index.text(document.document_id)

    def _tell(self, done: int, total: int, what: str) -> None:
        if self.progress is not None:
            self.progress(done, total, what)


def _encoded(tokenizer: "PreTrainedTokenizerBase", text: str) -> Iterator[list[int]]:
    """Token ids, part by part; nothing in the text is a special token."""
    start = 0
    while start < len(text):
        end = text.rfind("\n", start, start + _PART) + 1
        if start + _PART >= len(text):
            end = len(text)
        elif end <= start:
            end = start + _PART
        encoding = tokenizer(
            text[start:end], add_special_tokens=False, split_special_tokens=True, verbose=False
        )
        yield list(encoding["input_ids"])
        start = end


def _chained(first: list[int], others: Iterable[list[int]]) -> Iterator[list[int]]:
    yield first
    yield from others
