"""The command line as a user meets it: output, exit codes, one clear line for each mistake."""

import json
import socket

import pytest

from quoth.app.cli import run
from quoth.app.settings import default_index_path

TEXT = (
    "# Warranty\n\nThe warranty of the Corvid 3 lasts twenty-four months from the day of purchase. "
    "Batteries are covered for six months only.\n"
)
QUESTION = "How long does the warranty of the Corvid 3 last?"


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manuals")
    (folder / "warranty.md").write_text(TEXT, encoding="utf-8")
    return folder


def test_an_answer_comes_with_its_sources_and_numbers(documents, capsys):
    assert run(["ask", QUESTION, "--docs", str(documents)]) == 0
    out = capsys.readouterr().out
    assert "[1] warranty.md" in out
    assert "forward passes" in out


def test_json_is_one_object_whose_citations_check_out_against_the_file(documents, capsys):
    assert run(["ask", QUESTION, str(documents / "warranty.md"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"text", "citations", "passages", "stats"} <= set(answer)
    assert answer["citations"]
    for citation in answer["citations"]:
        quoted = TEXT[citation["source_start"] : citation["source_end"]]
        assert quoted == answer["text"][citation["start"] : citation["end"]] == citation["text"]


def test_plain_decoding_prints_the_same_text(documents, capsys):
    texts, passes = [], []
    for drafting in ("none", "auto"):
        command = ["ask", QUESTION, str(documents), "--json", "--drafting", drafting]
        assert run(command) == 0
        answer = json.loads(capsys.readouterr().out)
        texts.append(answer["text"])
        passes.append(answer["stats"]["forward_passes"])
    assert texts[0] == texts[1]
    assert passes[0] > passes[1]


def test_the_index_of_the_same_paths_is_found_again(documents, capsys):
    assert run(["index", "sync", str(documents), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["index"] == str(default_index_path([documents]))
    assert run(["index", "status", "--docs", str(documents), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert [document["document"] for document in status["documents"]] == ["warranty.md"]
    assert run(["index", "verify", "--docs", str(documents)]) == 0
    assert "sound" in capsys.readouterr().out


def test_one_document_with_one_passage_is_said_in_the_singular(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("Ravens fly.\n", encoding="utf-8")
    assert run(["index", "sync", str(tmp_path), "--embedder", "hashing"]) == 0
    assert run(["index", "status", "--docs", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.out.strip().endswith("a.txt  (text, 1 passage)")
    assert captured.err.strip() == "1 document, 1 passage."


def test_removing_by_name_and_syncing_back(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("Ravens fly.\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("Foxes run.\n", encoding="utf-8")
    assert run(["index", "sync", str(tmp_path)]) == 0
    assert run(["index", "remove", "a.txt", "--docs", str(tmp_path)]) == 0
    assert run(["index", "remove", "a.txt", "--docs", str(tmp_path)]) == 2
    assert "no document called 'a.txt'" in capsys.readouterr().err
    assert run(["index", "sync", str(tmp_path)]) == 0
    assert "1 added, 0 changed, 0 removed, 1 unchanged" in capsys.readouterr().out


def test_the_form_of_the_vectors_can_be_chosen(documents, capsys):
    assert run(["index", "sync", str(documents)]) == 0
    for kind, said in (("sq8", "sq8."), ("ivf", "sq8."), ("auto", "flat.")):  # one list is all
        assert run(["index", "optimise", "--kind", kind, "--docs", str(documents)]) == 0
        assert capsys.readouterr().out.strip().endswith(said)
        assert run(["index", "verify", "--docs", str(documents)]) == 0
        capsys.readouterr()


def test_a_bad_file_is_named_and_the_rest_is_answered_from(tmp_path, capsys):
    (tmp_path / "warranty.md").write_text(TEXT, encoding="utf-8")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnot really")
    assert run(["ask", QUESTION, "--docs", str(tmp_path), "--json"]) == 0
    captured = capsys.readouterr()
    assert "broken.pdf" in captured.err
    assert json.loads(captured.out)["citations"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["ask", "why?", "--docs", "/no/such/file.md"], 2, "no file or folder"),
        (["ask", "why?", "--index", "{tmp}/none"], 3, "--docs PATH"),
        (["ask", "  ", "--docs", "{docs}"], 2, "question is empty"),
        (["ask", "what \udcff is it", "--docs", "{docs}"], 2, "not text"),  # a byte of no UTF-8
        (["ask", "why? " * 3000, "--docs", "{docs}"], 2, "characters"),
        (["ask", "why?", "--docs", "{tmp}"], 2, "No document could be indexed"),
        (["ask", "why?", "--docs", "{docs}", "--drafting", "magic"], 2, "magic"),
        (["ask", "why?", "--docs", "{docs}", "--temperature", "-1"], 2, "temperature"),
        (["ask", "why?", "--docs", "{docs}", "--model", "/no/model"], 4, "/no/model"),
        (["ask", "why?", "--docs", "{docs}", "--embedder", "/no/embedder"], 4, "/no/embedder"),
        (["index", "status", "--index", "{tmp}/none"], 3, "no index"),
        (["index", "verify", "--index", "{tmp}"], 3, "no index"),
        (["chat", "--docs", "/no/such/folder"], 2, "no file or folder"),
        (["nonsense"], 2, "nonsense"),
        (["ask"], 2, "QUESTION"),
    ],
)
def test_a_mistake_is_one_clear_line_and_the_right_code(
    arguments, code, message, documents, tmp_path, capsys
):
    filled = [argument.format(tmp=tmp_path, docs=documents) for argument in arguments]
    assert run(filled) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_a_question_that_leaves_no_room_names_the_options_that_make_some(documents, capsys):
    assert run(["ask", QUESTION, str(documents), "--max-new-tokens", "2040"]) == 5
    error = capsys.readouterr().err
    assert "lower max_new_tokens" in error
    assert "The options are --max-new-tokens and --model." in error


@pytest.mark.parametrize("content", [None, b"", b"\0\1\2", b"%PDF-1.7\nnot really"])
@pytest.mark.parametrize("command", [["ask", "why?"], ["chat", "--port", "{port}"]])
def test_documents_that_give_nothing_are_told_before_the_language_model_is_loaded(
    command, content, tmp_path, capsys
):
    """A model that is not there would end the command with code 4 if it were asked for."""
    if content is not None:
        (tmp_path / "report.pdf").write_bytes(content)
    filled = [part.format(port=a_free_port()) for part in command]
    options = ["--embedder", "hashing", "--model", "/no/model"]
    assert run([*filled, "--docs", str(tmp_path), *options]) == 2
    captured = capsys.readouterr()
    assert "No document could be indexed from" in captured.err
    assert ("Skipped" in captured.err) == (content is not None)
    assert captured.out == ""


def test_an_empty_index_is_told_before_the_language_model_is_loaded(documents, tmp_path, capsys):
    index = ["--index", str(tmp_path / "index"), "--embedder", "hashing"]
    assert run(["index", "sync", str(documents), *index]) == 0
    assert run(["index", "remove", "warranty.md", *index]) == 0
    assert run(["ask", "why?", *index, "--model", "/no/model"]) == 2
    assert "holds no documents" in capsys.readouterr().err


def a_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_port_in_use_is_told_before_anything_else(documents, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run(["chat", "--docs", str(documents), "--port", str(port)]) == 6
    assert f"Port {port} on 127.0.0.1 is in use" in capsys.readouterr().err


def test_an_index_of_another_embedder_names_both_and_stays_as_it_is(documents, tmp_path, capsys):
    index = tmp_path / "index"
    assert run(["index", "sync", str(documents), "--index", str(index)]) == 0
    manifest = index / "manifest.json"
    manifest.write_text(
        manifest.read_text(encoding="utf-8").replace("all-MiniLM-L6-v2", "bge-small"),
        encoding="utf-8",
    )
    capsys.readouterr()
    assert run(["ask", QUESTION, "--index", str(index)]) == 3
    error = capsys.readouterr().err
    assert "bge-small" in error
    assert "all-MiniLM-L6-v2" in error


def test_a_damaged_database_is_told(documents, tmp_path, capsys):
    index = tmp_path / "index"
    assert run(["index", "sync", str(documents), "--index", str(index)]) == 0
    for database in index.glob("*.sqlite3"):
        database.write_bytes(b"garbage" * 4000)
    capsys.readouterr()
    assert run(["ask", QUESTION, "--index", str(index)]) == 3
    assert str(index) in capsys.readouterr().err


def test_help_teaches(capsys):
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    for word in ("ask", "chat", "index", "train", "--docs", "quoth-mini", "Exit codes"):
        assert word in out
