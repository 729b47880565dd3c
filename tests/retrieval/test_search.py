"""Hybrid search through the index: both sides, filters, and what may be done with the hits."""

from datetime import UTC, datetime
from os import utime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.folders import write_files
from quoth.errors import ConfigError, InputError
from quoth.retrieval import Filters, HashingEmbedder, Index, SearchOptions
from quoth.retrieval.chunking import ChunkingConfig, estimate_tokens
from quoth.retrieval.diversity import diverse_order

FILES = {
    "birds/owl.md": "# Owls\n\nOwls hunt mice at night.\n\n# Nests\n\nTheir nests are in barns.",
    "birds/raven.md": "# Ravens\n\nRavens are clever. They open boxes at night.",
    "tools/box.py": 'def open_box(boxName):\n    """Open the box at night."""\n    return boxName',
    "notes.txt": "Barns and boxes: 1,234.5 of them, ISO-8859-1 encoded.",
    "copy.txt": "Barns and boxes: 1,234.5 of them, ISO-8859-1 encoded.\n\n",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("search")
    docs = write_files(folder / "docs", FILES)
    for day, name in enumerate(FILES, start=1):
        when = datetime(2024, 5, day, tzinfo=UTC).timestamp()
        utime(docs / name, (when, when))
    with Index.create(folder / "index", embedder=HashingEmbedder()) as made:
        made.sync([docs])
        for one in made.documents():
            if "birds" in one.document or one.document == "notes.txt":
                made.tag(one.document_id, ["checked", one.document[0]])
        yield made


def names(hits) -> list[str]:
    return [hit.passage.document for hit in hits]


def test_a_hit_says_what_each_side_thought_of_it(index: Index) -> None:
    hits = index.search("nests in barns", k=9)
    assert hits[0].passage.document == "birds/owl.md"
    assert (hits[0].dense_rank, hits[0].lexical_rank) == (1, 1)
    dense = {hit.passage.id: hit for hit in index.search("nests in barns", k=9, mode="dense")}
    lexical = {hit.passage.id: hit for hit in index.search("nests in barns", k=9, mode="lexical")}
    for hit in (one for one in hits if not one.duplicates):
        in_dense, in_lexical = dense[hit.passage.id], lexical.get(hit.passage.id)
        assert (hit.dense_rank, hit.dense_score) == (in_dense.dense_rank, in_dense.score)
        assert hit.lexical_rank == (in_lexical.lexical_rank if in_lexical else None)
        assert hit.lexical_score == (in_lexical.score if in_lexical else None)
    assert all(hit.lexical_rank is None for hit in dense.values())


@pytest.mark.parametrize("query", ["box_name", "OPEN BOX", "boxname"])
def test_words_find_what_is_written_otherwise(index: Index, query: str) -> None:
    assert "tools/box.py" in names(index.search(query, k=3, mode="lexical"))


@pytest.mark.parametrize("query", ["1234.5", "iso 8859", "$1,234"])
def test_numbers_and_norms_are_found(index: Index, query: str) -> None:
    assert set(names(index.search(query, mode="lexical"))) <= {"notes.txt", "copy.txt"}


def test_the_same_text_comes_once_and_says_where_else_it_stands(index: Index) -> None:
    [hit] = [hit for hit in index.search("boxes", k=9) if "ISO" in hit.passage.text]
    [other] = hit.duplicates
    assert {hit.passage.document, other.document} == {"notes.txt", "copy.txt"}
    assert other.text == hit.passage.text


def test_without_an_embedder_words_still_find(index: Index) -> None:
    with Index.open(index.path, embedder=None) as opened:
        assert opened.search("owls", mode="lexical")
        with pytest.raises(ConfigError, match="without an embedder"):
            opened.search("owls")


PASSING = [
    (Filters(documents=("owl.md",)), {"birds/owl.md"}),
    (Filters(documents=("notes.txt", "raven.md")), {"notes.txt", "birds/raven.md"}),
    (Filters(folders=("birds",)), {"birds/owl.md", "birds/raven.md"}),
    (Filters(folders=("bird",)), set()),
    (Filters(formats=("py",)), {"tools/box.py"}),
    (Filters(formats=("code",)), {"tools/box.py"}),
    (
        Filters(formats=("markdown", ".txt"), folders=("./birds/",)),
        {"birds/owl.md", "birds/raven.md"},
    ),
    (Filters(tags=("checked",), formats=("text",)), {"notes.txt"}),
    (Filters(modified_before=datetime(2024, 5, 2, tzinfo=UTC)), {"birds/owl.md"}),
    (Filters(modified_from=datetime(2024, 5, 5)), {"copy.txt"}),  # noqa: DTZ001 - means UTC
    (Filters(documents=("%", "' OR 1 --")), set()),
]


@pytest.mark.parametrize(("filters", "expected"), PASSING)
@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_filters_act_inside_the_search(index: Index, mode, filters, expected) -> None:
    hits = index.search("owls ravens barns boxes at night", k=9, filters=filters, mode=mode)
    assert set(names(hits)) == expected


def test_a_document_is_also_filtered_by_its_id_and_path(index: Index) -> None:
    [owl] = [one for one in index.documents() if "owl" in one.document]
    assert set(names(index.search("x", filters=Filters(documents=(owl.document_id,))))) == {
        "birds/owl.md"
    }
    here = str(Path(owl.path).parent)
    assert set(names(index.search("x", k=9, filters=Filters(folders=(here,))))) == {
        "birds/owl.md",
        "birds/raven.md",
    }
    assert owl.tags == ("b", "checked")
    assert owl.modified == datetime(2024, 5, 1, tzinfo=UTC)


def test_a_filter_that_lets_little_pass_still_gives_all_that_pass(tmp_path: Path) -> None:
    pieces = {f"many/{n}.txt": f"The night was long, said owl {n}." for n in range(300)}
    docs = write_files(tmp_path / "docs", pieces | {"one.txt": "Nothing of the kind: maize."})
    with Index.create(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index.sync([docs])
        [hit] = index.search("owl night", k=5, filters=Filters(documents=("one.txt",)))
        assert hit.passage.document == "one.txt"
        few = SearchOptions(depth=1)
        found = index.search("owl night", k=250, filters=Filters(folders=("many",)), options=few)
        assert len({hit.passage.id for hit in found}) == 250


words = st.sampled_from(["owl", "raven", "box", "night", "barn", "mice", "12"])
texts = st.lists(words, min_size=1, max_size=6).map(" ".join)


@settings(max_examples=12)
@given(
    st.lists(st.tuples(st.sampled_from(["a/x", "a/y", "b/z"]), texts), min_size=1, max_size=8),
    texts,
    st.sampled_from(["hybrid", "dense", "lexical"]),
    st.integers(1, 4),
)
def test_a_filtered_search_is_a_search_of_what_passes(
    tmp_path_factory: pytest.TempPathFactory, pieces, query, mode, k
) -> None:
    folder = tmp_path_factory.mktemp("filtered")
    docs = write_files(
        folder / "docs",
        {f"{where}{n}.txt": f"{text} u{n}" for n, (where, text) in enumerate(pieces)},
    )
    with Index.create(folder / "index", embedder=HashingEmbedder(dim=32)) as index:
        index.sync([docs])
        passing = Filters(folders=("a",))
        found = index.search(query, k, filters=passing, mode=mode)
        assert all(hit.passage.document.startswith("a/") for hit in found)
        if mode != "hybrid":
            everything = index.search(query, 99, mode=mode)
            expected = [h for h in everything if h.passage.document.startswith("a/")][:k]
            assert [h.score for h in found] == pytest.approx([h.score for h in expected])
        assert found == index.search(query, k, filters=passing, mode=mode)


def test_tags_stay_when_a_document_changes_and_go_with_it(tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.txt": "First words.", "b.txt": "Others."})
    with Index.create(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index.sync([docs])
        first = index.documents()[0].document_id
        index.tag(first, ["mine", "mine", "x"])
        (docs / "a.txt").write_text("Second words.")
        index.sync([docs])
        assert index.documents()[0].tags == ("mine", "x")
        with pytest.raises(InputError, match="'mine'; they must be several"):
            index.tag(first, "mine")
        index.tag(first, [])
        assert index.documents()[0].tags == ()
        index.tag(first, ["again"])
        index.remove(first)
        index.sync([docs])
        assert index.documents()[0].tags == ()
        with pytest.raises(InputError, match="no document"):
            index.tag("nothing", ["x"])


def test_asking_again_embeds_nothing(tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.txt": "Words."})
    asked: list[str] = []

    class Listening(HashingEmbedder):
        def embed_query(self, query: str):
            asked.append(query)
            return super().embed_query(query)

    embedder = Listening()
    with Index.create(tmp_path / "index", embedder=embedder) as index:
        index.sync([docs])
        before = index.search("words")
        assert index.search("words", filters=Filters(formats=("text",))) == before
        index.search("other words")
    assert asked == ["words", "other words"]


@pytest.mark.parametrize(
    "options",
    [{"mode": "both"}, {"depth": 0}, {"diversity": 1.5}, {"join_tokens": -1}, {"fusion": "sum"}],
)
def test_options_out_of_range_are_refused(options: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        SearchOptions(**options)
    with pytest.raises(ConfigError, match="folders"):
        Filters(folders="docs")  # type: ignore[arg-type]


def test_neighbours_that_were_found_become_one_passage(tmp_path: Path) -> None:
    pieces = [f"Owl {n} hunts.{' Barn.' * 20}" for n in range(6)]
    docs = write_files(tmp_path / "docs", {"a.txt": "\n\n".join(pieces), "b.txt": "A raven."})
    chunking = ChunkingConfig(target=60, smallest=20)
    with Index.create(tmp_path / "i", embedder=HashingEmbedder(), chunking=chunking) as index:
        index.sync([docs])
        apart = index.search("owl hunts barn", k=7)
        assert len(apart) == 7
        for most in (0, 100, 160, 1000):
            hits = index.search("owl hunts", k=7, options=SearchOptions(join_tokens=most))
            assert len(hits) == {0: 7, 100: 4, 160: 3, 1000: 2}[most]
            assert len({hit.passage.id for hit in hits}) == len(hits)
            for hit in hits:
                passage = hit.passage
                text = index.text(passage.document_id)
                assert text[passage.start : passage.end] == passage.text
                assert estimate_tokens(passage.text) <= max(most, 60)
                labels = [location.label for location in passage.locations]
                assert labels == sorted(set(labels), key=lambda label: int(label.split()[1]))


def test_diversity_takes_what_is_unlike() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert diverse_order([3, 2, 1], vectors, 0.0, 3) == [0, 1, 2]
    assert diverse_order([3, 2, 1], vectors, 0.7, 2) == [0, 2]
    assert diverse_order([1, 1, 1], vectors, 1.0, 9) == [0, 2, 1]
    assert diverse_order([], vectors[:0], 0.5, 3) == []


def test_a_diverse_search_gives_k_different_passages(index: Index) -> None:
    plain = index.search("night boxes", k=3)
    diverse = index.search("night boxes", k=3, options=SearchOptions(diversity=0.6))
    assert len({hit.passage.id for hit in diverse}) == 3
    assert diverse[0] == plain[0]
