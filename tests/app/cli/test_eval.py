"""`quoth eval` on sets small enough to work out by hand."""

import gzip
import json
import math
from pathlib import Path

import pytest

from helpers.pdfs import make_pdf, paragraph
from quoth.app.cli import run

DOCUMENTS = {
    "apple": "Apples grow on trees in the orchard.",
    "bridge": "The bridge over the river is closed in winter.",
    "copper": "Copper wire carries electric current.",
    "pear": "Pears grow on trees as well.",
}
QUERIES = {"1": "bridge over the river", "2": "copper wire", "3": "trees in the orchard"}
QRELS = (
    "query-id\tcorpus-id\tscore\n1\tbridge\t2\n2\tcopper\t1\n2\tpear\t0\n3\tapple\t2\n3\tpear\t1\n"
)
EMBEDDER = ("--embedder", "hashing")


@pytest.fixture
def judged(tmp_path: Path) -> dict[str, Path]:
    """The files of a set, the corpus gzipped."""
    files = {name: tmp_path / name for name in ("corpus.jsonl.gz", "queries.jsonl", "qrels.tsv")}
    rows = [{"_id": key, "title": "", "text": text} for key, text in DOCUMENTS.items()]
    with gzip.open(files["corpus.jsonl.gz"], "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    lines = [json.dumps({"_id": key, "text": text}) for key, text in QUERIES.items()]
    files["queries.jsonl"].write_text("\n".join(lines), encoding="utf-8")
    files["qrels.tsv"].write_text(QRELS, encoding="utf-8")
    return files


def command(files: dict[str, Path], *more: str, corpus: bool = True) -> list[str]:
    given = ["--corpus", str(files["corpus.jsonl.gz"])] if corpus else []
    queries, qrels = str(files["queries.jsonl"]), str(files["qrels.tsv"])
    return ["eval", "retrieval", *given, "--queries", queries, "--qrels", qrels, *EMBEDDER, *more]


def test_a_corpus_is_measured_in_every_mode(judged, tmp_path, capsys) -> None:
    rows_file = tmp_path / "rows.jsonl"
    assert run(command(judged, "--mode", "all", "--json", "--per-query", str(rows_file))) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["mode"] == "hybrid"
    assert list(told["modes"]) == ["hybrid", "dense", "lexical"]
    assert (told["queries"], told["documents"]) == (3, 4)
    rows = [json.loads(line) for line in rows_file.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 9
    for mode, values in told["modes"].items():
        mine = [row for row in rows if row["mode"] == mode]
        for name in ("ndcg@10", "recall@1", "recall@10", "mrr@10"):
            assert values[name] == pytest.approx(sum(row[name] for row in mine) / 3)
        assert values["mrr@10"] == 1  # every question holds words of its document alone
        low, high = values["ci95"]["ndcg@10"]
        assert low <= values["ndcg@10"] <= high
    third = next(row for row in rows if (row["mode"], row["query"]) == ("dense", "3"))
    place = third["found"].index("pear") + 1
    gained = 2 + 1 / math.log2(place + 1)
    assert third["ndcg@10"] == pytest.approx(gained / (2 + 1 / math.log2(3)))
    assert third["relevant"] == 2


def test_an_index_that_was_kept_is_measured_the_same(judged, tmp_path, capsys) -> None:
    index = ("--index", str(tmp_path / "index"))
    assert run(command(judged, *index, "--json")) == 0
    first = json.loads(capsys.readouterr().out)
    assert run(command(judged, *index, "--json", corpus=False)) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["ndcg@10"] == first["ndcg@10"]
    assert run(command(judged, *index)) == 2  # it is not filled twice
    assert "There is an index" in capsys.readouterr().err


def test_documents_of_an_index_are_judged_by_name(judged, tmp_path, capsys) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    index = ("--index", str(tmp_path / "index"))
    assert run(["index", "sync", str(folder), *index, *EMBEDDER]) == 0
    assert run(command(judged, *index, corpus=False)) == 2
    assert "holds none of them" in capsys.readouterr().err
    named = QRELS
    for name in DOCUMENTS:
        named = named.replace(name, f"{name}.txt")
    judged["qrels.tsv"].write_text(named, encoding="utf-8")
    assert run(command(judged, *index, corpus=False)) == 0
    out = capsys.readouterr().out
    assert "ndcg@10" in out
    assert "hybrid" in out
    assert run(command(judged, *index, "--json", corpus=False)) == 0
    whole = json.loads(capsys.readouterr().out)["ndcg@10"]
    query = next(line for line in named.splitlines()[1:] if line).split("\t")[0]
    judged["qrels.tsv"].write_text(f"{named.rstrip()}\n{query}\tgone.txt\t3\n", encoding="utf-8")
    assert run(command(judged, *index, "--json", corpus=False)) == 0  # it is never found
    assert json.loads(capsys.readouterr().out)["ndcg@10"] < whole


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("qrels.tsv", "query-id\tcorpus-id\tscore\n1\tbridge\n", "qrels.tsv:2: expected query-id"),
        ("qrels.tsv", "1\tbridge\t2\n\n1\tpear\tmany\n", "qrels.tsv:3: the score 'many'"),
        ("qrels.tsv", "1\tbridge\tnan\n2\tpear\tnan\n", "qrels.tsv:2: the score 'nan'"),
        ("qrels.tsv", "1\tbridge\t1\n1\tbridge\t2\n", "qrels.tsv:2: 'bridge' has two scores"),
        ("qrels.tsv", "9\tbridge\t1\n", "judge the query '9'"),
        ("qrels.tsv", "1\tbridge\t0\n", "no relevant document"),
        ("qrels.tsv", "1\tnowhere\t1\n", "none of the 1 judged documents"),
        ("queries.jsonl", '{"_id": "1", "text": "a"}\n{"_id": "1', "queries.jsonl:2: this line"),
        ("queries.jsonl", '{"_id": "1"}\n', "queries.jsonl:1: the field 'text' is missing"),
        ("queries.jsonl", "[1]\n", "queries.jsonl:1: expected an object, got list"),
        ("queries.jsonl", '{"_id": "1", "text": "a"}\n' * 2, "queries.jsonl:2: the query '1'"),
        ("corpus.jsonl.gz", '{"_id": "a", "text": 1.5}', "corpus.jsonl.gz:1: the field 'text' is"),
        ("corpus.jsonl.gz", '{"_id": "a", "text": " "}', "holds no documents"),
        ("corpus.jsonl.gz", "\x1f\x8bbroken", "corpus.jsonl.gz cannot be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(
    judged, capsys, name, content, message
) -> None:
    judged[name].write_bytes(content.encode("latin-1"))
    assert run(command(judged)) == 2
    assert message in capsys.readouterr().err


def two_pages(first: str, second: str) -> bytes:
    return make_pdf([paragraph([first]), paragraph([second])])


def page_rows(folder: Path, *rows: dict[str, object]) -> str:
    path = folder / "questions.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return str(path)


def test_pages_are_looked_for_in_all_documents_and_in_the_right_one(tmp_path, capsys) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "fruit.pdf").write_bytes(two_pages("Apples are red.", "Pears are green."))
    (folder / "metal.pdf").write_bytes(two_pages("Copper is red.", "Iron is grey."))
    questions = page_rows(
        tmp_path,
        {"question": "Which pears are green?", "document": "fruit.pdf", "page": 2},
        {"question": "What about iron?", "document": "metal.pdf", "pages": [7, 9]},
    )
    rows_file = tmp_path / "rows.jsonl"
    asked = ["eval", "pages", questions, "--docs", str(folder), *EMBEDDER]
    assert run([*asked, "--json", "--per-query", str(rows_file)]) == 0
    told = json.loads(capsys.readouterr().out)
    names = ("page@5", "page@10", "filtered_page@5", "filtered_page@10")
    assert [told[name] for name in names] == [0.5] * 4
    rows = [json.loads(line) for line in rows_file.read_text(encoding="utf-8").splitlines()]
    assert [row["filtered_rank"] for row in rows] == [1, None]
    assert rows[1]["document_rank"] == 1
    assert run(asked) == 0
    assert "page@5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "q", "document": "a.txt", "page": 0}, "questions.jsonl:1: 'page' is"),
        ({"question": "q", "document": "a.txt", "pages": []}, "questions.jsonl:1: 'page' is"),
        ({"question": "q", "document": "b.txt", "page": 1}, "no document called 'b.txt'"),
        ({"question": " ", "document": "a.txt", "page": 1}, "the question is empty"),
        ({"question": "q", "document": "a.txt", "page": 1}, "'a.txt' has no pages"),
    ],
)
def test_questions_that_cannot_be_asked_are_told(tmp_path, capsys, row, message) -> None:
    (tmp_path / "a.txt").write_text("Some words.", encoding="utf-8")
    questions = page_rows(tmp_path, row)
    assert run(["eval", "pages", questions, "--docs", str(tmp_path / "a.txt"), *EMBEDDER]) == 2
    assert message in capsys.readouterr().err
