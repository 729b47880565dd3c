"""How the results of `quoth eval` are shown and written."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from quoth.app.evaluating.pages import PageResult
from quoth.app.evaluating.retrieval import QueryResult, RetrievalReport
from quoth.errors import InputError

Row = dict[str, object]


def retrieval_table(reports: Mapping[str, RetrievalReport]) -> str:
    """One line for each mode: means, and how far nDCG may be off."""
    lines = []
    for mode, report in reports.items():
        low, high = report.intervals["ndcg@10"]
        cells = [f"{value:.3f}" for value in report.values.values()]
        lines.append([mode, *cells, f"{low:.3f}-{high:.3f}"])
    names = list(next(iter(reports.values())).values)
    return aligned([["", *names, "ndcg@10, 95 %"], *lines])


def values_table(values: Mapping[str, Mapping[str, float]]) -> str:
    """One line for each mode."""
    lines = [[mode, *(f"{value:.3f}" for value in row.values())] for mode, row in values.items()]
    return aligned([["", *next(iter(values.values()))], *lines])


def query_row(mode: str, result: QueryResult) -> Row:
    """What `--per-query` says of a judged question."""
    return {
        "mode": mode,
        "query": result.query_id,
        "text": result.query,
        **result.values,
        "first_relevant_rank": result.rank,
        "relevant": result.num_relevant,
        "found": list(result.found),
    }


def page_row(mode: str, result: PageResult) -> Row:
    """What `--per-query` says of a question on pages."""
    return {
        "mode": mode,
        "question": result.question.question,
        "document": result.question.document,
        "pages": list(result.question.pages),
        "rank": result.rank,
        "filtered_rank": result.rank_filtered,
        "document_rank": result.document_rank,
    }


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """One JSON object a line.

    Raises:
        InputError: The file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines: the first column on the left, the others on the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )
