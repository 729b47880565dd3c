"""`quoth phrases` as a user meets it: documents become a file, and the file saves passes."""

import json

import pytest

from quoth.app.cli import run
from quoth.decoding.drafting.lookahead_store import LookaheadStore
from quoth.decoding.drafting.phrase_store import PhraseStore
from quoth.decoding.drafting.phrases import continuations
from quoth.decoding.models.loading import load_tokenizer
from quoth.decoding.vocabulary import fingerprint

TEXT = (
    "# Warranty\n\nThe warranty of the Corvid 3 lasts twenty-four months from the day of purchase. "
    "Batteries are covered for six months only.\n"
)
QUESTION = "How long does the warranty of the Corvid 3 last?"


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("quoth-mini")


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manuals")
    (folder / "warranty.md").write_text(TEXT, encoding="utf-8")
    return folder


def following(path, tokenizer, text: str) -> str:
    """What the phrases in a file say after a text."""
    store = PhraseStore.open(path, tokenizer=fingerprint(tokenizer))
    context = tokenizer(text, add_special_tokens=False)["input_ids"][:-9:-1]
    likely = continuations(store, tuple(context))
    return tokenizer.decode([max(likely, key=lambda pair: pair[1])[0]]) if likely else ""


def test_phrases_of_files_continue_their_texts(documents, tokenizer, tmp_path, capsys):
    output = tmp_path / "p"
    assert run(["phrases", "build", str(documents), "--output", str(output)]) == 0
    assert "contexts from 1 text (" in capsys.readouterr().out
    assert following(output, tokenizer, "The warranty of the Corvid").strip() == "3"


def test_phrases_of_an_index_are_those_of_its_documents(documents, tokenizer, tmp_path, capsys):
    index = str(tmp_path / "index")
    command = ["index", "sync", str(documents), "--index", index, "--embedder", "hashing"]
    assert run(command) == 0
    made = []
    for name, source in (("a", [str(documents)]), ("b", ["--index", index])):
        assert run(["phrases", "build", *source, "--output", str(tmp_path / name)]) == 0
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_past_answers_become_phrases(tokenizer, tmp_path, capsys):
    store = LookaheadStore(1 << 16)
    for text in ("the corvid is blue", "the raven is black", "the jay is loud"):
        store.add(tokenizer(text, add_special_tokens=False)["input_ids"])
    store.save(tmp_path / "past", tokenizer=fingerprint(tokenizer))
    command = ["phrases", "build", "--past", str(tmp_path / "past")]
    assert run([*command, "--output", str(tmp_path / "p")]) == 0
    assert " from 3 texts (" in capsys.readouterr().out
    assert following(tmp_path / "p", tokenizer, "corvid is").strip() == "blue"


def test_an_answer_with_phrases_is_the_same_in_no_more_passes(documents, tmp_path, capsys):
    output = str(tmp_path / "p")
    assert run(["phrases", "build", str(documents), "--output", output]) == 0
    capsys.readouterr()
    answers = []
    for options in (["--drafting", "none"], [], ["--phrases", output]):
        assert run(["ask", QUESTION, str(documents), "--json", *options]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    plain, alone, both = answers
    assert plain["text"] == alone["text"] == both["text"]
    assert both["stats"]["forward_passes"] <= alone["stats"]["forward_passes"]
    assert [c["text"] for c in both["citations"]] == [c["text"] for c in alone["citations"]]


def test_the_bound_on_the_file_is_kept(tmp_path, capsys):
    (tmp_path / "many.txt").write_text(
        "\n".join(f"{n} {n * 7919 % 10007}" for n in range(20_000)), encoding="utf-8"
    )
    output = tmp_path / "p"
    command = ["phrases", "build", str(tmp_path), "--output", str(output)]
    assert run([*command, "--max-bytes", "100000"]) == 0
    assert output.stat().st_size <= 100_000


def test_files_that_cannot_be_read_are_told_and_passed_over(documents, tmp_path, capsys):
    broken = tmp_path / "scan.png"
    broken.write_bytes(b"\x89PNG\r\n")
    command = ["phrases", "build", str(documents), str(broken), "--output", str(tmp_path / "p")]
    assert run(command) == 0
    assert "Skipped" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["phrases", "build"], ["index", "sync"]])
def test_what_many_files_are_skipped_for_is_told_once(command, tmp_path, capsys):
    folder = tmp_path / "docs"
    (folder / "inner").mkdir(parents=True)
    (folder / "warranty.md").write_text(TEXT, encoding="utf-8")
    (tmp_path / "elsewhere.txt").write_text(TEXT, encoding="utf-8")
    (folder / "inner" / "link.txt").symlink_to(tmp_path / "elsewhere.txt")
    for number in range(12):
        (folder / f"{number:02d}.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    place = {"phrases": ["--output"], "index": ["--embedder", "hashing", "--index"]}[command[0]]
    assert run([*command, str(folder), str(folder / "inner"), *place, str(tmp_path / "p")]) == 0
    link, images = capsys.readouterr().err.splitlines()
    assert link == f"Skipped {folder / 'inner' / 'link.txt'}: a link that leads out of the folder"
    named = ", ".join(str(folder / f"{number:02d}.png") for number in range(10))
    assert images.startswith(f"Skipped {named} and 2 more: not a text document")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "nothing to make phrases from"),
        (["nowhere.txt"], 2, "nowhere.txt"),
        (["--index", "nowhere"], 3, "nowhere"),
        (["--past", "nowhere"], 3, "nowhere"),
        (["{docs}", "--model", "no/such-model"], 4, "no/such-model"),
        (["{docs}", "--max-bytes", "10"], 2, "max_bytes is 10"),
        (["{empty}"], 2, "No text was found"),
        (["{docs}", "--output", "{docs}/warranty.md/p"], 3, "cannot be written"),
    ],
)
def test_mistakes_are_one_clear_line(arguments, code, message, documents, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    places = {"docs": documents, "empty": tmp_path / "empty"}
    filled = [argument.format(**places) for argument in arguments]
    assert run(["phrases", "build", "--output", str(tmp_path / "p"), *filled]) == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_phrases_of_another_model_are_refused(documents, tmp_path, capsys):
    from quoth.decoding.drafting.phrase_building import build_phrases

    build_phrases([[1, 2, 3]], tmp_path / "p", tokenizer="another")
    assert run(["ask", QUESTION, str(documents), "--phrases", str(tmp_path / "p")]) == 3
    assert "made with another tokenizer" in capsys.readouterr().err
