"""The two engines that settings name, each opened by itself: the index, and the decoder.

The index comes first: what is wrong with the documents should be told before a language model is
loaded, or downloaded.
"""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from quoth.app.settings import Settings
from quoth.decoding import Decoder
from quoth.decoding.drafting.phrase_store import PhraseStore
from quoth.decoding.drafting.phrases import PhrasesDrafter
from quoth.decoding.drafting.selection import Drafting
from quoth.decoding.vocabulary import fingerprint
from quoth.errors import InputError
from quoth.retrieval import Filters, Index, SearchOptions, load_embedder

if TYPE_CHECKING:
    from quoth.retrieval.search_options import Mode


def open_index(settings: Settings, *, create: bool = True) -> Index:
    """Load the embedder and open the index.

    Args:
        settings: What to open.
        create: Make an empty index where there is none.

    Raises:
        IndexNotFoundError: There is no index, and `create` is off.
        IndexFailure: The index is damaged, of another format, or of another embedder.
        ModelLoadError: The embedder cannot be loaded.
    """
    embedder = load_embedder(settings.embedder)
    opened = Index.open_or_create if create else Index.open
    return opened(settings.index_path, embedder=embedder)


def load_decoder(settings: Settings) -> Decoder:
    """Load the language model.

    Raises:
        ModelLoadError: It cannot be loaded, or not be decoded with.
    """
    return Decoder.from_pretrained(
        settings.model, device=settings.device, dtype=settings.dtype, revision=settings.revision
    )


def choose_drafting(settings: Settings, decoder: Decoder) -> Drafting:
    """What the decoder drafts with: by the name in the settings, and from their phrases.

    Raises:
        TokenizerMismatchError: The phrases were made for another model.
        DraftStoreError: The file of phrases is not there or damaged.
    """
    if settings.phrases is None or settings.drafting == "none" or decoder.tokenizer is None:
        return settings.drafting
    store = PhraseStore.open(settings.phrases, tokenizer=fingerprint(decoder.tokenizer))
    return settings.drafting, PhrasesDrafter(store)


def search_options(settings: Settings) -> SearchOptions:
    """How passages are found."""
    return SearchOptions(mode=cast("Mode", settings.mode), rerank=settings.rerank)


def nothing_to_answer_from(index: Index, mode: str, filters: Filters | None) -> InputError:
    """What to say where the search found nothing."""
    path = index.path
    if mode == "lexical" and index.status().num_passages:
        searched = "that passes the filters " if filters else ""
        return InputError(
            f"No passage {searched}in the index {str(path)!r} holds a word of the question. Ask in "
            f"other words, or search by meaning, too (--mode hybrid)."
        )
    if not filters:
        return empty_index(path)
    return InputError(
        f"Nothing in the index {str(path)!r} passes the filters. List its documents with: "
        f"quoth index status --index {path}"
    )


def empty_index(path: Path) -> InputError:
    """What to say of an index that nothing can be answered from."""
    return InputError(
        f"The index {str(path)!r} holds no documents. Add some with: "
        f"quoth index sync PATH --index {path}"
    )
