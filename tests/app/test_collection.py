"""Uploads come and go; documents from the user's folders stay, whoever asks."""

import pytest

from quoth.app.collection import Collection
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


def upload(collection, tmp_path, text="The moon has no air.\n", name="moon.txt"):
    file = tmp_path / "blob"
    file.write_text(text, encoding="utf-8")
    collection.add([file], [name])
    (added,) = (one for one in collection.documents() if one.is_upload)
    return added


def test_an_upload_is_told_from_a_document_of_a_folder(index, tmp_path):
    collection = Collection(index)
    assert [one.is_upload for one in collection.documents()] == [False]
    added = upload(collection, tmp_path)
    assert (added.document, added.num_passages, added.num_pages) == ("moon.txt", 1, None)


def test_a_removed_upload_leaves_nothing_behind(index, tmp_path):
    collection = Collection(index)
    before = collection.documents()
    collection.remove(upload(collection, tmp_path).document_id)
    assert collection.documents() == before
    assert all(hit.passage.document == "ravens.md" for hit in index.search("moon air"))
    assert [path for path in (tmp_path / "index" / "uploads").rglob("*") if path.is_file()] == []
    assert index.verify().is_clean


def test_a_removed_upload_can_come_back(index, tmp_path):
    collection = Collection(index)
    first = upload(collection, tmp_path)
    collection.remove(first.document_id)
    assert upload(collection, tmp_path) == first


def test_what_was_not_uploaded_is_not_removed(index, tmp_path):
    collection = Collection(index)
    (ravens,) = collection.documents()
    gone = upload(collection, tmp_path).document_id
    collection.remove(gone)
    for document_id in (ravens.document_id, gone, "../birds"):
        with pytest.raises(InputError, match="No uploaded document"):
            collection.remove(document_id)
    assert collection.documents() == (ravens,)
    assert (tmp_path / "birds" / "ravens.md").exists()
