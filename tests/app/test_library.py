"""Uploads come and go; documents from the user's folders stay, whoever asks."""

import pytest

from quoth.app.library import Library
from quoth.errors import InputError
from quoth.retrieval import HashingEmbedder, Index


@pytest.fixture(params=["index", "elsewhere/../index"])
def index(request, tmp_path, monkeypatch):
    """An index of one folder, opened by a path that is relative, and one that goes round."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "birds").mkdir()
    (tmp_path / "birds" / "ravens.md").write_text("Ravens fly.\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with Index.create(request.param, embedder=HashingEmbedder()) as made:
        made.sync([tmp_path / "birds"])
        yield made


def upload(library, tmp_path, text="The moon has no air.\n", name="moon.txt"):
    file = tmp_path / "blob"
    file.write_text(text, encoding="utf-8")
    library.add([file], [name])
    (added,) = (one for one in library.documents() if one.is_upload)
    return added


def test_an_upload_is_told_from_a_document_of_a_folder(index, tmp_path):
    library = Library(index)
    assert [one.is_upload for one in library.documents()] == [False]
    added = upload(library, tmp_path)
    assert (added.document, added.num_passages, added.num_pages) == ("moon.txt", 1, None)


def test_a_removed_upload_leaves_nothing_behind(index, tmp_path):
    library = Library(index)
    before = library.documents()
    library.remove(upload(library, tmp_path).document_id)
    assert library.documents() == before
    assert all(hit.passage.document == "ravens.md" for hit in index.search("moon air"))
    assert [path for path in (tmp_path / "index" / "uploads").rglob("*") if path.is_file()] == []
    assert index.verify().is_clean


def test_a_removed_upload_can_come_back(index, tmp_path):
    library = Library(index)
    first = upload(library, tmp_path)
    library.remove(first.document_id)
    assert upload(library, tmp_path) == first


def test_what_was_not_uploaded_is_not_removed(index, tmp_path):
    library = Library(index)
    (ravens,) = library.documents()
    gone = upload(library, tmp_path).document_id
    library.remove(gone)
    for document_id in (ravens.document_id, gone, "../birds"):
        with pytest.raises(InputError, match="No uploaded document"):
            library.remove(document_id)
    assert library.documents() == (ravens,)
    assert (tmp_path / "birds" / "ravens.md").exists()
