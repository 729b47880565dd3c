"""The lexical index: what it finds, how it scores, and that it holds what the passages say."""

import math
import sqlite3
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.folders import write_files
from helpers.stored_passages import store_document
from quoth.errors import IndexFormatError
from quoth.retrieval import HashingEmbedder, Index, lexical
from quoth.retrieval.bm25 import K1, B, LexicalSearch
from quoth.retrieval.database import DATABASE
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.lexical import BLOCK, passage_terms
from quoth.retrieval.lexical_check import differing, fingerprint, stored_fingerprints
from quoth.retrieval.terms import terms_of


@pytest.fixture
def store(tmp_path: Path):
    made = DocStore(tmp_path, create=True)
    yield made
    made.close()


def contents(store: DocStore) -> dict[int, lexical.Terms]:
    """The terms of every passage, from its text."""
    found = {}
    for record in store.documents.all():
        text = store.documents.text(record.id) or ""
        for passage in store.passages.of(record.id):
            piece = text[passage.start : passage.end]
            found[passage.id] = passage_terms(record.title, record.name, passage.heading, piece)
    return found


def bm25(passages: dict[int, lexical.Terms], query: str) -> list[tuple[int, float]]:
    """The textbook formula, passage by passage; numbers make none longer."""
    mean = max(sum(map(num_words, passages.values())) / max(len(passages), 1), 1.0)
    scores: Counter[int] = Counter()
    for term in set(terms_of(query)):
        holding = [key for key, terms in passages.items() if term in terms]
        rarity = math.log(1 + (len(passages) - len(holding) + 0.5) / (len(holding) + 0.5))
        for key in holding:
            count, length = passages[key][term], num_words(passages[key])
            scores[key] += rarity * count * (K1 + 1) / (count + K1 * (1 - B + B * length / mean))
    return sorted(scores.items(), key=lambda hit: (-hit[1], hit[0]))


def num_words(terms: lexical.Terms) -> int:
    return sum(count for term, count in terms.items() if not term[0].isdigit())


def assert_sound(store: DocStore) -> None:
    expected = {key: fingerprint(terms) for key, terms in contents(store).items()}
    with store.database.snapshot() as connection:
        assert differing(expected, stored_fingerprints(connection)) == []


def assert_scored(found: list[tuple[int, float]], expected: list[tuple[int, float]]) -> None:
    """The same scores, and the same passages wherever no others score alike."""
    assert [score for _, score in found] == pytest.approx([s for _, s in expected], rel=1e-4)
    by_id = dict(expected)
    assert all(score == pytest.approx(by_id[key], rel=1e-4) for key, score in found)


words = st.sampled_from(
    ["the", "cat", "sat", "mat", "dog", "to", "getUserName", "東京", "3.14", "naïve"]
)
paragraphs = st.lists(words, min_size=1, max_size=8).map(" ".join)
document_ids = st.sampled_from("abc")
changes = st.one_of(
    st.tuples(st.just("replace"), document_ids, st.lists(paragraphs, max_size=4)),
    st.tuples(st.just("remove"), document_ids),
    st.tuples(st.just("rename"), document_ids, st.sampled_from(["dog.txt", "x/mat.md"])),
    st.tuples(st.just("fold")),
)


def apply(store: DocStore, change: tuple) -> None:
    match change:
        case ("replace", document_id, pieces):
            store_document(store, document_id, pieces)
        case ("remove", document_id):
            store.remove(document_id)
        case ("rename", document_id, name):
            if store.documents.get(document_id):
                own = store.files.of(document_id)[0]
                store.place([replace(own, name=name)])
        case _:
            store.fold()


@settings(max_examples=60)
@given(st.lists(changes, max_size=8), st.lists(words, min_size=1, max_size=4).map(" ".join))
def test_after_any_changes_the_index_scores_as_the_formula_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple], query: str
) -> None:
    store = DocStore(tmp_path_factory.mktemp("store"), create=True)
    search = LexicalSearch(store.database)
    for step in steps:
        apply(store, step)
        assert_sound(store)
        expected = bm25(contents(store), query)
        assert_scored(search.search(query, 100), expected)
        assert_scored(search.search(query, 2), expected[:2])
    store.fold()
    assert_sound(store)
    assert_scored(search.search(query, 100), bm25(contents(store), query))
    held = store.database.rows("SELECT count(*) FROM lexical_pending, lexical_gone")
    assert held == [(0,)]
    store.close()


@settings(max_examples=200)
@given(query=st.text(), k=st.integers(1, 5))
def test_no_question_means_anything_but_its_words(
    tmp_path_factory: pytest.TempPathFactory, query: str, k: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "questions"
    is_new = not folder.exists()
    folder.mkdir(exist_ok=True)
    store = DocStore(folder, create=is_new)
    if is_new:
        store_document(store, "a", ["a OR b NOT c AND d NEAR", 'x* ^y "z" col:w', "0 1 2"])
    found = LexicalSearch(store.database).search(query, k)
    assert_scored(found, bm25(contents(store), query)[:k])
    store.close()


def test_a_budget_leaves_the_most_frequent_terms_out(store: DocStore) -> None:
    store_document(store, "a", [f"common {'rare' if n == 7 else n}" for n in range(50)])
    store.fold()
    [(rare, _)] = LexicalSearch(store.database, budget=20).search("common rare", 9)
    everything = LexicalSearch(store.database).search("common rare", 99)
    assert everything[0][0] == rare
    assert len(everything) == 50
    assert len(LexicalSearch(store.database, budget=1).search("common", 99)) == 50


def test_postings_lie_in_blocks_of_neighbouring_ids(store: DocStore) -> None:
    store_document(store, "a", ["first words"])
    with store.database.change() as connection:
        connection.execute("UPDATE sqlite_sequence SET seq = ?", (5 * BLOCK - 2,))
    store_document(store, "b", ["second words", "third words", "fourth words"])
    search = LexicalSearch(store.database)
    before = search.search("words third", 9)
    store.fold()
    assert search.search("words third", 9) == before
    assert [key // BLOCK for key, _ in sorted(before)] == [0, 4, 5, 5]
    assert_sound(store)
    store.remove("b")
    store.fold()
    assert store.database.rows("SELECT block FROM lexical_lengths") == [(0,)]
    assert [key // BLOCK for key, _ in search.search("words", 9)] == [0]


def test_many_waiting_passages_are_folded_on_the_way(
    store: DocStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical, "_MOST_PENDING", 10)
    for number in range(7):
        store_document(store, f"d{number}", [f"word{n}" for n in range(3)])
    assert store.database.rows("SELECT count(*) FROM lexical_pending") == [(9,)]
    assert_sound(store)


def test_an_index_from_before_gets_its_words(tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": "# Owls\n\nThe owl hunts.", "b.txt": "A mouse."})
    with Index.create(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index.sync([docs])
        expected = index.search("owl mouse", mode="lexical")
    connection = sqlite3.connect(tmp_path / "index" / DATABASE)
    connection.executescript(
        "DROP TRIGGER passages_leave_the_lexical_index; DROP TABLE lexical_blocks;"
        "DROP TABLE lexical_lengths; DROP TABLE lexical_pending; DROP TABLE lexical_gone;"
        "DELETE FROM migrations WHERE name = 'm005_lexical_index'"
    )
    connection.close()
    with Index.open(tmp_path / "index", embedder=None) as again:
        assert again.search("owl mouse", mode="lexical") == expected
        assert len(expected) == 2
        assert again.verify().problems == ()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM lexical_blocks WHERE term = 'owl'", "not found by their words"),
        ("DELETE FROM lexical_lengths", "not found by their words"),
        (
            "UPDATE lexical_lengths SET lengths = CAST(lengths || x'0500' AS BLOB)",
            "too many",
        ),
        ("UPDATE lexical_blocks SET postings = CAST(postings || x'00' AS BLOB)", "cannot be read"),
    ],
)
def test_verify_tells_of_words_that_are_not_indexed(
    tmp_path: Path, statement: str, told: str
) -> None:
    docs = write_files(tmp_path / "docs", {"a.txt": "The owl hunts."})
    with Index.create(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index.sync([docs])
        assert index.verify().problems == ()
        with index._store.database.change() as connection:
            connection.execute(statement)
        assert told in "\n".join(index.verify().problems)


def test_a_damaged_lexical_index_is_told_as_damage(store: DocStore) -> None:
    store_document(store, "a", ["some words"])
    store.fold()
    with store.database.change() as connection:
        connection.execute("UPDATE lexical_blocks SET postings = x'00'")
    with pytest.raises(IndexFormatError, match="damaged"):
        LexicalSearch(store.database).search("words", 1)


def test_a_document_is_found_by_the_name_of_its_file(tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a/Pelican_2018.txt": "Nothing of note."})
    with Index.create(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index.sync([docs])
        assert index.search("pelican 2018", mode="lexical")
        (docs / "b").mkdir()
        (docs / "a/Pelican_2018.txt").rename(docs / "b/Heron.txt")
        index.sync([docs])
        assert index.search("pelican", mode="lexical") == []
        [hit] = index.search("heron", mode="lexical")
        assert hit.passage.document == "b/Heron.txt"
        assert index.verify().problems == ()
        (docs / "b/Heron.txt").unlink()
        index.sync([docs])
        assert index.search("heron note", mode="lexical") == []
        held = index._store.database.rows("SELECT count(*) FROM lexical_blocks")
        assert held == [(0,)]
