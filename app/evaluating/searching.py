"""The searches of an index that are compared."""

from collections.abc import Sequence

from quoth.app.evaluating.pages import PageSearch
from quoth.app.evaluating.retrieval import Search
from quoth.retrieval import Index
from quoth.retrieval.filters import Filters
from quoth.retrieval.search_options import Mode
from quoth.types import Passage


def search_in(index: Index, mode: Mode) -> Search:
    """The search of `index` in one mode."""

    def search(query: str, k: int) -> Sequence[Passage]:
        return [hit.passage for hit in index.search(query, k, mode=mode)]

    return search


def page_search_in(index: Index, mode: Mode) -> PageSearch:
    """The search of `index` in one mode, of all documents or of one."""

    def search(query: str, k: int, document_id: str | None) -> Sequence[Passage]:
        filters = Filters(documents=(document_id,) if document_id else ())
        return [hit.passage for hit in index.search(query, k, filters=filters, mode=mode)]

    return search
