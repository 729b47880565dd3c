"""Questions made from passages: each kind asks for what its sentence says."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.decoding.training.asking import KINDS, ask, is_telling, page_of
from quoth.decoding.training.clauses import asked_for_part, yes_no_question
from quoth.decoding.training.code_lines import code_question, row_question
from quoth.decoding.training.headings import heading_question
from quoth.decoding.training.paraphrase import retyped, reworded, unmarked, word_neighbours
from quoth.decoding.training.passages import Passage
from quoth.decoding.training.questions import WordRarity, keyword_query, phrase_of
from quoth.decoding.training.turns import subject_of

_TEXT = """## Example 2: Rename a lamp

To rename a lamp, use the `Rename-Lamp` command. It keeps the old wick for a year.

```sh
$ lamp --rename north
```

A wick is a cord that draws oil. The `--oil` option limits how much of it is burnt.
The harbour was rebuilt in 1905 by Ann Lee. Lamps must be trimmed before they are lit.

| Lamp | Colour |
|------|--------|
| north | green as grass |
"""
_PASSAGE = Passage(text=_TEXT, document=0, subject="Lamps", heading="Rename a lamp")
_RARITY = WordRarity([_TEXT, *["the of and a is to in it for was by as so"] * 40])


@pytest.mark.parametrize("kind", [*KINDS])
def test_every_kind_quotes_its_passage(kind: str) -> None:
    page = page_of(_PASSAGE, _RARITY)
    made = [ask(page, kind, random.Random(seed)) for seed in range(12)]
    asked = [one for one in made if one]
    assert asked
    for one in asked:
        assert one.kind == kind
        assert len(one.quotes) == (2 if kind == "continued" else 1)
        for start, end in one.quotes:
            quoted = _TEXT[start:end]
            assert quoted == quoted.strip() != ""
            if kind not in ("code", "row"):
                assert is_telling(quoted)


@given(st.text(alphabet="Ab. \n-#=`|:1", max_size=300), st.sampled_from([*KINDS]), st.integers())
def test_no_text_breaks_the_makers(text: str, kind: str, seed: int) -> None:
    page = page_of(Passage(text=text, document=0, subject="It", heading=""), _RARITY)
    asked = ask(page, kind, random.Random(seed))
    for start, end in asked.quotes if asked else ():
        assert 0 <= start < end <= len(text)


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("The lock must be held while it runs.", "Must the lock be held?"),
        ("`PSPath` is also a **String** object, so it fits.", "Is `PSPath` a **String** object?"),
        ("Lamps may not be lit in the harbour.", "Can Lamps be lit in the harbour?"),
        ("It is a lamp of the old kind.", None),
        ("What is meant is not said here by anyone.", None),
    ],
)
def test_sentences_are_turned_into_yes_no_questions(sentence: str, question: str | None) -> None:
    assert yes_no_question(sentence) == question


@pytest.mark.parametrize(
    ("sentence", "questions"),
    [
        (
            "The harbour was rebuilt with stone in May 1905.",
            {
                f"{ask} was the harbour rebuilt with stone?"
                for ask in ("When", "In which year", "when")
            },
        ),
        (
            "The harbour was drawn for us by Ann Lee.",
            {"By whom was the harbour drawn for us?", "Who was the harbour drawn for us by?"},
        ),
        (
            "The `--oil` option limits the burning of lamps.",
            {"Which option limits the burning of lamps?"},
        ),
        (
            "The function can take two arguments in a row.",
            {"How many arguments can the function take in a row?"},
        ),
        ("Nothing of this kind.", {None}),
    ],
)
def test_what_a_sentence_gives_is_asked_for(sentence: str, questions: set[str | None]) -> None:
    asked = {asked_for_part(sentence, random.Random(seed)) for seed in range(20)}
    assert asked <= questions


@pytest.mark.parametrize(
    ("title", "part"),
    [
        ("Example 2: Rename a lamp", "rename a lamp"),
        ("Installing new Lamps", "install new lamps"),
        ("Why are lamps green?", "Why are lamps green?"),
        ("Oil consumption", "oil consumption"),
    ],
)
def test_headings_become_questions(title: str, part: str) -> None:
    for seed in range(8):
        question = heading_question(title, "The guide", random.Random(seed))
        assert question
        assert part in question


@pytest.mark.parametrize(
    "title", ["Summary", "Guide-level explanation", "Example 3:", "Add", "***"]
)
def test_headings_that_say_nothing_give_none(title: str) -> None:
    assert heading_question(title, "The guide", random.Random(0)) is None


def test_code_and_rows_are_asked_for_by_what_names_them() -> None:
    found = code_question(
        "You can list all lamps with:\n\n```\n$ lamp --list\n```", random.Random(0)
    )
    assert found
    assert "list all lamps" in found[0]
    assert (
        "You can list all lamps with:\n\n```\n$ lamp --list\n```"[slice(*found[1])] == "lamp --list"
    )
    assert code_question("Nothing of use.\n\n```\nlamp --list\n```", random.Random(0)) is None
    row = row_question(_TEXT, random.Random(0))
    assert row
    assert _TEXT[slice(*row[1])] == "| north | green as grass |"
    assert "north" in row[0]


def test_queries_have_words_of_their_sentence() -> None:
    sentence = "The old lighthouse keeper polishes a brass lantern for the harbour office."
    for seed in range(20):
        query = keyword_query(sentence, _RARITY, random.Random(seed))
        assert query
        assert {word.strip("?.").casefold() for word in query.split()} & set(
            sentence.lower().split()
        )
    assert phrase_of("It is so.", _RARITY, random.Random(0)) is None
    assert subject_of("to be or not to be", random.Random(0)) is None


def test_words_are_exchanged_for_ones_of_like_meaning() -> None:
    neighbours = word_neighbours(lambda word: word in {"large", "huge", "combine", "merge"})
    assert "merge" in neighbours["combine"]
    question = "combine these large lamps"
    made = {reworded(question, neighbours, random.Random(seed)) for seed in range(60)}
    assert "merge these large lamps" in made
    assert question in made


@given(st.integers(), st.sampled_from(["What is `X`?", "how to light lamps", "A.", "Define Wick."]))
def test_typing_changes_no_words(seed: int, question: str) -> None:
    typed = retyped(question, random.Random(seed))
    assert question.strip("?.").lower() in typed.lower()


def test_markup_is_not_asked_for() -> None:
    marked = "What is [the lamp](http://x.y) of :pep:`8` and **oil**?"
    assert unmarked(marked, random.Random(1)) in {
        "What is the lamp of 8 and oil?",
        "What is the lamp of `8` and oil?",
    }
