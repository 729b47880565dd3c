"""What is measured is not trained on: neither as it is, nor with a few words changed."""

import gzip
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.made_corpus import rank_by_shared_words, sentence, write_corpus
from quoth.decoding.training.deduplication import Seen, shingles
from quoth.decoding.training.examples import Example
from quoth.decoding.training.material import Material, load_material
from quoth.decoding.training.sources import is_held_out
from quoth.decoding.training.tasks import TaskShape

_SHARE = 0.3


def _added_rows(folder: Path) -> list[dict[str, object]]:
    """A held-out row; one whose text is nearly the same; and one that asks the same."""
    rng = random.Random(3)
    held_out, kept = (
        next(name for n in range(99) if is_held_out(name := f"more {n}", share=_SHARE) is wanted)
        for wanted in (True, False)
    )
    text = [sentence(rng) for _ in range(12)]
    near = [*text[:-1], sentence(rng)]
    far = [sentence(rng) for _ in range(12)]
    rows = [
        (held_out, text, "What is kept in the secret harbour?"),
        (kept, near, "What about something else in here?"),
        (kept, far, "what is KEPT in the secret harbour"),
    ]
    return [
        {
            "source": "xquad_en",
            "title": title,
            "context": " ".join(sentences),
            "question": question,
            "answers": [" ".join(sentences[0].split()[4:8])],
        }
        for title, sentences, question in rows
    ]


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder)
    with gzip.open(folder / "extractive_qa.jsonl.gz", "at", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in _added_rows(folder))
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines]
    held_out = next(row for row in documents if is_held_out(row["path"], share=_SHARE))
    name = next(path for n in range(99) if not is_held_out(path := f"v{n}.md", share=_SHARE))
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as lines:
        copied = {**held_out, "path": name, "text": held_out["text"].replace("winter", "WINTER", 3)}
        lines.write(json.dumps(copied) + "\n")
        short = " ".join(sentence(random.Random(n)) + " HIDDEN" for n in range(11))
        lines.write(json.dumps({**held_out, "path": held_out["path"], "text": short}) + "\n")
        longer = {**held_out, "path": name, "text": f"{short}\n\n{documents[0]['text']}"}
        lines.write(json.dumps(longer) + "\n")
    return load_material(
        folder / "extractive_qa.jsonl.gz",
        folder / "corpus.jsonl",
        folder / "ranked.json",
        rank=rank_by_shared_words,
        held_out_share=_SHARE,
        seed=0,
    )


def _drawn(material: Material, count: int) -> list[Example]:
    rng = random.Random(11)
    return [material.mixture.draw(TaskShape(history_share=0.3), rng) for _ in range(count)]


def test_rows_near_the_held_out_ones_are_left_out(material: Material) -> None:
    asked = {question.question.casefold() for question in material.questions}
    assert "what about something else in here?" not in asked
    assert "what is kept in the secret harbour" not in asked
    assert any("secret harbour" in question.question for question in material.held_out)


def test_nothing_held_out_is_ever_drawn(material: Material) -> None:
    measured = Seen(document.text for document in material.held_out_documents)
    for question in material.held_out:
        for passage in question.passages:
            measured.add(passage)
    assert all(
        any(word in document.text for document in material.documents)
        for word in ("WINTER", "HIDDEN")
    )
    for example in _drawn(material, 400):
        answers = [answer for _, answer in example.history]
        for text in (*example.passages, *answers):
            assert "WINTER" not in text
            assert "HIDDEN" not in text
            assert measured.share(text) < _SHARE


@given(st.lists(st.sampled_from(["a", "bc", "d", "ef", "g"]), min_size=1, max_size=30))
def test_case_and_breaks_do_not_hide_a_copy(words: list[str]) -> None:
    seen = Seen([" ".join(words)])
    assert seen.share(",\n".join(word.upper() for word in words)) == 1.0
    assert seen.share("quite other words stand here, and nothing of the rest") == 0.0


def test_short_texts_are_one_shingle() -> None:
    assert len(shingles("only three words")) == 1
    assert len(shingles("one two three four five six seven eight nine")) == 2
