"""The searches of an index that are compared."""

from collections.abc import Sequence

from quoth.app.evaluating.pages import PageSearch
from quoth.app.evaluating.retrieval import Search
from quoth.retrieval import Index
from quoth.types import Passage

MODES = ("hybrid", "dense", "lexical")


def search_in(index: Index, mode: str) -> Search:
    """The search of `index` in one mode."""

    def search(query: str, k: int) -> Sequence[Passage]:
        return [hit.passage for hit in index.search(query, k)]

    return search


def page_search_in(index: Index, mode: str) -> PageSearch:
    """The search of `index` in one mode, of all documents or of one."""

    def search(query: str, k: int, document_id: str | None) -> Sequence[Passage]:
        everything = 1_000_000 if document_id else k
        found = [hit.passage for hit in index.search(query, everything)]
        return [p for p in found if document_id in {None, p.document_id}][:k]

    return search
