"""A set of judged questions that fits together: what can be measured of it, and on which index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quoth.app.evaluating.judged import Corpus, Qrels, read_corpus, read_qrels, read_queries
from quoth.app.evaluating.measures import Grades, relevant
from quoth.errors import InputError
from quoth.retrieval import DocumentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuery:
    """A question with at least one relevant document."""

    query_id: str
    query: str
    grades: Grades


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSet:
    """Questions with their judgements, and the corpus if one was given."""

    queries: tuple[JudgedQuery, ...]
    corpus: Corpus | None
    counts: Mapping[str, int]  # of what there is, and of what cannot be measured


def read_set(queries: Path, qrels: Path, corpus: Path | None = None) -> JudgedSet:
    """Read the files of a set, and check that they fit together.

    Raises:
        InputError: One of them is wrong, or they are of different sets.
    """
    grades = read_qrels(qrels)
    judged = judged_queries(read_queries(queries), grades)
    counts = {"queries": len(judged), "queries_without_relevant": len(grades) - len(judged)}
    documents = read_corpus(corpus) if corpus else None
    if documents:
        counts |= {
            "documents": len(documents.documents),
            "empty_documents": len(documents.empty),
            "judged_documents_missing": _num_missing(documents, grades),
        }
    return JudgedSet(queries=tuple(judged), corpus=documents, counts=counts)


def judged_queries(queries: Mapping[str, str], qrels: Qrels) -> list[JudgedQuery]:
    """The questions that can be measured: those with a relevant document.

    Raises:
        InputError: There is none, or judgements are for a question that is not there.
    """
    for query_id in qrels:
        if query_id not in queries:
            raise InputError(
                f"The qrels judge the query {query_id!r}, which the queries do not hold. Are both "
                "files of the same set?"
            )
    judged = [
        JudgedQuery(query_id=query_id, query=queries[query_id], grades=grades)
        for query_id, grades in qrels.items()
        if relevant(grades)
    ]
    if not judged:
        raise InputError("The qrels hold no relevant document (no score above zero).")
    return judged


def _num_missing(corpus: Corpus, qrels: Qrels) -> int:
    """How many judged documents the corpus lacks: they can never be found."""
    held = {document.id for document in corpus.documents} | set(corpus.empty)
    judged = {document for grades in qrels.values() for document in grades}
    missing = judged - held
    if missing == judged:
        raise InputError(
            f"The corpus holds none of the {len(judged)} judged documents, such as "
            f"{min(missing)!r}. Are both files of the same set?"
        )
    return len(missing)


def named_as_in(
    documents: Sequence[DocumentStatus], queries: Sequence[JudgedQuery]
) -> list[JudgedQuery]:
    """Judgements of an existing index, whose documents may be called by id or by name.

    A document that the index does not hold counts as one that is never found.

    Raises:
        InputError: The index holds several documents so called, or none of all that are judged.
    """
    ids: dict[str, set[str]] = {}
    for document in documents:
        for name in (document.document_id, document.document):
            ids.setdefault(name, set()).add(document.document_id)
    judged = {name for one in queries for name in one.grades}
    if judged.isdisjoint(ids):
        raise InputError(
            f"The qrels judge {min(judged, default='')!r} and others, and the index holds none of "
            "them. Name documents by the ids or names that `quoth index status` shows."
        )
    return [
        JudgedQuery(query_id=one.query_id, query=one.query, grades=_renamed(one.grades, ids))
        for one in queries
    ]


def _renamed(grades: Grades, ids: Mapping[str, set[str]]) -> dict[str, float]:
    renamed: dict[str, float] = {}
    for name, grade in grades.items():
        found = ids.get(name, {name})
        if len(found) != 1:
            raise InputError(
                f"The qrels judge {name!r}, and the index holds {len(found)} documents called so. "
                "Name documents by the ids that `quoth index status` shows."
            )
        key = next(iter(found))
        renamed[key] = max(grade, renamed.get(key, grade))
    return renamed
