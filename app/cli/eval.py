"""`quoth eval`: how well passages are found and questions answered, on one's own questions."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import click

from quoth.app.cli.eval_answers import answers
from quoth.app.cli.options import DOCS, INDEX_OPTIONS, JSON, PATH, settings_from, with_options
from quoth.app.cli.terminal import escaped_json, messages, progress_bar, saying
from quoth.app.settings import Settings
from quoth.retrieval.search_options import MODES, Mode

if TYPE_CHECKING:
    from quoth.retrieval import Index, TextDocument

MODE = click.option(
    "--mode",
    type=click.Choice([*MODES, "all"]),
    default="hybrid",
    show_default=True,
    help="Which search; `all` compares them.",
)
PER_QUERY = click.option("--per-query", type=PATH, help="File for one JSON object per question.")


@click.group(name="eval")
def evaluation() -> None:
    """Measure how well passages are found and questions answered, on your own questions."""


evaluation.add_command(answers)


@evaluation.command()
@click.option("--corpus", type=PATH, help='JSONL: {"_id", "title", "text"}.')
@click.option("--queries", type=PATH, required=True, help='JSONL: {"_id", "text"}.')
@click.option("--qrels", type=PATH, required=True, help="TSV: query-id, corpus-id, score.")
@MODE
@PER_QUERY
@JSON
@with_options(*INDEX_OPTIONS)
def retrieval(
    corpus: Path | None,
    queries: Path,
    qrels: Path,
    mode: Mode | Literal["all"],
    per_query: Path | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401
) -> None:
    """Measure rankings of documents against judgements, in BEIR's layout; files may be gzipped.

    \b
    quoth eval retrieval --corpus corpus.jsonl --queries queries.jsonl --qrels test.tsv
    quoth eval retrieval --index DIR --queries queries.jsonl --qrels test.tsv

    With --corpus, an index of it is made and thrown away; with --index DIR besides, it is kept
    there. Without --corpus, a corpus-id is the id or name of a document of the index. A document
    ranks as its best passage does. nDCG has linear gains, as in trec_eval.
    """
    from quoth.app.cli import eval_report as shown
    from quoth.app.evaluating.judged_set import named_as_in, read_set
    from quoth.app.evaluating.retrieval import RetrievalReport, evaluate
    from quoth.app.evaluating.searching import search_in

    settings = settings_from(options)
    judged = read_set(queries, qrels, corpus)
    corpus_texts = judged.corpus.documents if judged.corpus else ()
    keep = options["index_path"]
    with _filled(settings, corpus_texts, keep) if corpus else _opened(settings) as index:
        asked = judged.queries if corpus else named_as_in(index.documents(), judged.queries)
        with progress_bar() as progress:
            reports: dict[str, RetrievalReport] = {
                each: evaluate(search_in(index, each), asked, progress) for each in _modes(mode)
            }
    if per_query:
        rows = (shown.query_row(each, one) for each in reports for one in reports[each].queries)
        shown.write_rows(per_query, rows)
    values = {each: {**report.values, "ci95": report.intervals} for each, report in reports.items()}
    _show(shown.retrieval_table(reports), values, judged.counts, as_json=as_json)


@evaluation.command()
@click.argument("questions", type=PATH)
@DOCS
@MODE
@PER_QUERY
@JSON
@with_options(*INDEX_OPTIONS)
def pages(
    questions: Path,
    docs: tuple[Path, ...],
    mode: Mode | Literal["all"],
    per_query: Path | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401
) -> None:
    """Measure whether the page that answers is among the first 5 and 10 passages.

    QUESTIONS has lines such as {"question": "...", "document": "manual.pdf", "page": 12}, or
    "pages": [12, 13] where any of them answers; pages count from 1. Each question is asked of all
    documents, and of the right one alone.

    \b
    quoth eval pages questions.jsonl --index DIR
    quoth eval pages questions.jsonl --docs ~/papers
    """
    from quoth.app.cli import eval_report as shown
    from quoth.app.evaluating.pages import document_ids, evaluate_pages, read_questions
    from quoth.app.evaluating.searching import page_search_in

    settings = settings_from(options, docs)
    asked = read_questions(questions)
    with _opened(settings, docs) as index:
        ids = document_ids(asked, index.documents())
        with progress_bar() as progress:
            reports = {
                each: evaluate_pages(page_search_in(index, each), asked, ids, progress)
                for each in _modes(mode)
            }
    if per_query:
        rows = (shown.page_row(each, one) for each in reports for one in reports[each].questions)
        shown.write_rows(per_query, rows)
    values: dict[str, Mapping[str, float]] = {
        each: report.values for each, report in reports.items()
    }
    _show(shown.values_table(values), values, {"questions": len(asked)}, as_json=as_json)


def _modes(mode: Mode | Literal["all"]) -> tuple[Mode, ...]:
    return MODES if mode == "all" else (mode,)


def _opened(settings: Settings, docs: Sequence[Path] = ()) -> "Index":
    """The index of the settings, brought up to date with `docs` if there are any."""
    from quoth.app.cli.opening import sync_index
    from quoth.app.engines import open_index

    with saying(f"Loading {settings.embedder}"):
        index = open_index(settings, create=bool(docs))
    if docs:
        sync_index(index, docs)
    return index


@contextmanager
def _filled(
    settings: Settings, texts: "Sequence[TextDocument]", keep: Path | None
) -> Iterator["Index"]:
    """A new index of the texts, in the folder `keep` or in one that is gone afterwards."""
    from quoth.retrieval import Index, load_embedder

    with saying(f"Loading {settings.embedder}"):
        embedder = load_embedder(settings.embedder)
    with (
        TemporaryDirectory(prefix="quoth-eval-") as folder,
        Index.create(keep or Path(folder) / "index", embedder=embedder) as index,
    ):
        with progress_bar() as progress:
            index.add_texts(texts, progress=progress)
        yield index


def _show(
    table: str,
    values: Mapping[str, Mapping[str, object]],
    counts: Mapping[str, int],
    *,
    as_json: bool,
) -> None:
    """The table; or the first mode's values, with all of them under "modes" if there are more."""
    if not as_json:
        click.echo(table)
        said = ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in counts.items())
        messages().print(said, markup=False)
        return
    mode, first = next(iter(values.items()))
    several = {"modes": values} if len(values) > 1 else {}
    click.echo(escaped_json({"mode": mode, **first, **counts, **several}))
