"""Texts that come from no file, next to those that do."""

from pathlib import Path

import pytest

from helpers.folders import CountingEmbedder, write_files
from quoth.errors import InputError
from quoth.retrieval import Index, TextDocument


def test_texts_are_found_kept_by_sync_and_sound(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "docs", {"a.txt": "Apples grow on trees."})
    embedder = CountingEmbedder()
    with Index.create(tmp_path / "index", embedder=embedder) as index:
        index.sync([folder], root=folder)
        told: list[tuple[int, int]] = []
        added = index.add_texts(
            [
                TextDocument(id="7", text="Pears hang lower.", title="Fruit"),
                TextDocument(id="8", text="The bridge\r\nis closed."),
            ],
            progress=lambda done, total, _what: told.append((done, total)),
        )
        assert added == 2
        assert told[-1] == (2, 2)
        assert index.text("8") == "The bridge\nis closed."
        assert embedder.read[-2:] == ["Fruit\nPears hang lower.", "The bridge\nis closed."]
        (folder / "a.txt").unlink()
        report = index.sync([folder], root=folder)
        assert report.removed == 1
        assert {d.document_id for d in index.documents()} == {"7", "8"}
        assert index.search("Which bridge is closed?", 1)[0].passage.document == "8"
        assert index.verify().is_clean


def test_a_known_id_gets_the_new_text_and_known_words_are_not_embedded_again(
    tmp_path: Path,
) -> None:
    embedder = CountingEmbedder()
    with Index.create(tmp_path / "index", embedder=embedder) as index:
        index.add_texts([TextDocument(id="a", text="One."), TextDocument(id="b", text="Two.")])
        index.add_texts([TextDocument(id="a", text="Two.", name="renamed")])
        assert index.text("a") == "Two."
        assert embedder.read == ["One.", "Two."]
        assert [d.document for d in index.documents()] == ["b", "renamed"]
        assert {hit.passage.text for hit in index.search("Two.", 5)} == {"Two."}


def test_two_texts_of_one_id_change_nothing(tmp_path: Path) -> None:
    with Index.create(tmp_path / "index", embedder=CountingEmbedder()) as index:
        with pytest.raises(InputError, match="same id"):
            index.add_texts([TextDocument(id="a", text="One."), TextDocument(id="a", text="Two.")])
        assert index.documents() == ()


@pytest.mark.parametrize(("id", "text"), [("", "words"), ("a", " \n"), ("a", "\x01")])
def test_a_text_without_id_or_words_is_refused(id: str, text: str) -> None:
    with pytest.raises(InputError, match="empty"):
        TextDocument(id=id, text=text)
