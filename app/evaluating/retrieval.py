"""Judged questions put to a search: the measures of each, their means, and how sure these are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from quoth.app.evaluating.judged_set import JudgedQuery
from quoth.app.evaluating.measures import (
    Grades,
    bootstrap_interval,
    first_of_each,
    first_rank,
    ndcg,
    recall,
    reciprocal_rank,
    relevant,
)
from quoth.retrieval import Progress
from quoth.types import Passage

DEPTH = 100  # documents of a ranking that are looked at
SHOWN = 10  # documents of a ranking that are reported
MEASURES: Mapping[str, Callable[[Sequence[str], Grades], float]] = {
    "ndcg@10": partial(ndcg, k=10),
    "recall@1": partial(recall, k=1),
    "recall@5": partial(recall, k=5),
    "recall@10": partial(recall, k=10),
    "recall@100": partial(recall, k=100),
    "mrr@10": partial(reciprocal_rank, k=10),
}

Search = Callable[[str, int], Sequence[Passage]]  # at most so many passages, best first


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """One question. `rank` is that of the first relevant document, None beyond `DEPTH`."""

    query_id: str
    query: str
    num_relevant: int
    rank: int | None
    found: tuple[str, ...]  # the first `SHOWN` documents
    values: Mapping[str, float]  # by the names of `MEASURES`


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalReport:
    """Means over all questions, with 95 % bootstrap intervals."""

    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    queries: tuple[QueryResult, ...]


def evaluate(
    search: Search, judged: Sequence[JudgedQuery], progress: Progress | None = None
) -> RetrievalReport:
    """Search for each question, and measure."""
    results = []
    for number, one in enumerate(judged, start=1):
        ranking = ranked_documents(search, one.query, DEPTH)
        results.append(measured(one, ranking))
        if progress:
            progress(number, len(judged), "searching")
    return report_of(results)


def report_of(results: Sequence[QueryResult]) -> RetrievalReport:
    """Means and intervals of what was measured; of one question at least."""
    columns = {name: [result.values[name] for result in results] for name in MEASURES}
    return RetrievalReport(
        values={name: sum(column) / len(column) for name, column in columns.items()},
        intervals={name: bootstrap_interval(column) for name, column in columns.items()},
        queries=tuple(results),
    )


def measured(judged: JudgedQuery, ranking: Sequence[str]) -> QueryResult:
    """All measures of one ranking of document ids."""
    return QueryResult(
        query_id=judged.query_id,
        query=judged.query,
        num_relevant=len(relevant(judged.grades)),
        rank=first_rank(ranking, judged.grades),
        found=tuple(ranking[:SHOWN]),
        values={name: measure(ranking, judged.grades) for name, measure in MEASURES.items()},
    )


def ranked_documents(search: Search, query: str, depth: int) -> list[str]:
    """The ids of the first `depth` documents; each ranks as its best passage does."""
    wanted = depth
    while True:
        passages = search(query, wanted)
        documents = first_of_each([passage.document_id for passage in passages])
        if len(documents) >= depth or len(passages) < wanted:
            return documents[:depth]
        wanted *= 2
