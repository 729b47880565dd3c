"""An index holds what the files hold: no more, no less, and nothing is done twice."""

import os
from functools import partial
from pathlib import Path

import pytest

from helpers.folders import CountingEmbedder, write_files
from helpers.pdfs import make_pdf, paragraph
from quoth.errors import InputError
from quoth.retrieval import ChunkingConfig, Index, LoadLimits
from quoth.retrieval.parsing import Parser


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def index(tmp_path: Path, embedder: CountingEmbedder):
    with Index.create(tmp_path / "index", embedder=embedder) as made:
        yield made


def names(index: Index) -> list[str]:
    return [one.document for one in index.documents()]


def counts(report) -> tuple[int, int, int, int]:
    return report.added, report.changed, report.unchanged, report.removed


def test_add_change_delete(index: Index, embedder: CountingEmbedder, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples.", "b.txt": "Bears.", "c.txt": "Cats."})
    report = index.sync([docs])
    assert counts(report) == (3, 0, 0, 0)
    assert report.passages == report.embedded == 3
    assert counts(index.sync([docs])) == (0, 0, 3, 0)
    assert len(embedder.read) == 3
    write_files(docs, {"a.txt": "Apricots."})
    (docs / "b.txt").unlink()
    assert counts(index.sync([docs])) == (0, 1, 1, 1)
    assert names(index) == ["a.txt", "c.txt"]
    assert embedder.read[3:] == ["a\nApricots."]
    assert index.search("apples apricots", k=9)[0].passage.text == "Apricots."
    assert index.verify().is_clean


def test_only_what_is_gone_from_the_given_folders_is_deleted(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples.", "b.txt": "Bears."})
    others = write_files(tmp_path / "e", {"c.txt": "Cats.", "deep/d.txt": "Dogs."})
    index.sync([docs / "a.txt", docs / "b.txt", others])
    (docs / "b.txt").unlink()
    (others / "c.txt").unlink()
    assert counts(index.sync([docs / "a.txt"])) == (0, 0, 1, 0)
    assert counts(index.sync([others / "deep"])) == (0, 0, 1, 0)
    assert counts(index.sync([others])) == (0, 0, 1, 1)
    assert names(index) == ["a.txt", "b.txt", "deep/d.txt"]
    assert counts(index.sync([docs])) == (0, 0, 1, 1)


def test_an_index_in_the_folder_it_was_made_from_does_not_index_itself(
    index: Index, tmp_path: Path
) -> None:
    write_files(tmp_path, {"a.txt": "Apples."})
    report = index.sync([tmp_path])
    assert index.path.is_relative_to(tmp_path)
    assert names(index) == ["a.txt"]
    assert report.skipped == ()


def test_a_folder_that_holds_a_database_of_that_name_is_no_index(
    index: Index, tmp_path: Path
) -> None:
    docs = write_files(tmp_path / "d", {"sub/index.sqlite3": b"\0", "sub/a.txt": "Apples."})
    index.sync([docs])
    assert names(index) == ["sub/a.txt"]


def test_what_lies_in_a_folder_that_cannot_be_read_stays(
    index: Index, tmp_path: Path, monkeypatch
) -> None:
    """A disk that fails or is not mounted must not empty the index."""
    docs = write_files(tmp_path / "d", {"a.txt": "Apples.", "sub/deep/b.txt": "Bears."})
    index.sync([docs])
    (docs / "a.txt").unlink()
    scan = os.scandir

    def fail(path):
        if Path(path).name == "sub":
            raise OSError(5, "Input/output error", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", fail)  # the superuser may read everything
    report = index.sync([docs])
    assert counts(report) == (0, 0, 0, 1)
    assert report.skipped[0].reason == "the folder cannot be read: Input/output error"
    assert names(index) == ["sub/deep/b.txt"]


def test_what_a_folder_is_not_searched_for_stays_when_the_folder_is_synced(
    index: Index, tmp_path: Path
) -> None:
    """Uploads lie in the index's folder, and it may lie in the folder of the documents."""
    write_files(tmp_path, {"a.txt": "Apples.", ".notes/b.txt": "Bears.", ".c.txt": "Cats."})
    upload = write_files(index.path / "uploads" / "1", {"u.txt": "Uploaded."}) / "u.txt"
    index.sync([tmp_path, upload, tmp_path / ".notes" / "b.txt", tmp_path / ".c.txt"])
    assert names(index) == [".c.txt", "a.txt", "b.txt", "u.txt"]
    assert counts(index.sync([tmp_path])) == (0, 0, 1, 0)


def test_in_folders_with_strange_names_what_is_gone_is_deleted(
    index: Index, tmp_path: Path
) -> None:
    docs = write_files(
        tmp_path / os.fsdecode(b"bad\xff\n"), {"a.txt": "Apples.", "b.txt": "Bears."}
    )
    index.sync([docs])
    (docs / "b.txt").unlink()
    assert counts(index.sync([docs])) == (0, 0, 1, 1)


def test_a_link_to_a_folder_covers_what_was_found_through_it(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples.", "b.txt": "Bears."})
    link = tmp_path / "link"
    link.symlink_to(docs)
    index.sync([link])
    (docs / "b.txt").unlink()
    assert index.sync([docs]).duplicates == 1  # another path to the same
    assert counts(index.sync([link])) == (0, 0, 1, 1)


def test_with_a_root_what_is_gone_from_below_it_is_deleted(index: Index, tmp_path: Path) -> None:
    docs = write_files(
        tmp_path / "d", {"a.txt": "Apples.", "s/b.txt": "Bears.", "s/c.txt": "Cats."}
    )
    other = write_files(tmp_path / "e", {"d.txt": "Dogs."})
    index.sync([docs, other], root=docs)
    (docs / "a.txt").unlink()
    (docs / "s" / "c.txt").unlink()
    (other / "d.txt").unlink()
    assert counts(index.sync([docs / "s"], root=docs)) == (0, 0, 1, 1)
    assert counts(index.sync([docs], root=docs)) == (0, 0, 1, 1)
    assert names(index) == ["d.txt", "s/b.txt"]  # the other folder was not looked through


def test_only_changed_passages_are_embedded(
    index: Index, embedder: CountingEmbedder, tmp_path: Path
) -> None:
    parts = [f"# Part {n}\n\nWords about number {n}.\n" for n in range(20)]
    docs = write_files(tmp_path / "d", {"a.md": "\n".join(parts)})
    index.sync([docs])
    parts[7] = "# Part 7\n\nOther words.\n"
    write_files(docs, {"a.md": "\n".join(parts)})
    embedder.read.clear()
    report = index.sync([docs])
    assert (report.changed, report.passages, report.embedded) == (1, 20, 1)
    assert embedder.read == ["Part 0 > Part 7\n# Part 7\n\nOther words."]
    assert index.verify().is_clean


def test_a_renamed_or_moved_file_is_known_by_its_new_name_and_not_embedded_again(
    index: Index, embedder: CountingEmbedder, tmp_path: Path
) -> None:
    docs = write_files(tmp_path / "d", {"a.md": "# Title\n\nWords.\n"})
    index.sync([docs])
    (docs / "deep").mkdir()
    (docs / "a.md").rename(docs / "deep" / "z.md")
    embedder.read.clear()
    [before] = index.documents()
    report = index.sync([docs])
    assert (counts(report), report.moved) == ((0, 0, 0, 0), 1)
    [after] = index.documents()
    assert (after.document_id, after.document) == (before.document_id, "deep/z.md")
    assert embedder.read == []
    assert index.verify().is_clean


def test_two_files_of_one_name_are_two_documents(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"x/a.txt": "Apples.", "y/a.txt": "Bears."})
    index.sync([docs / "x" / "a.txt", docs / "y" / "a.txt"])
    assert names(index) == ["a.txt", "a.txt"]
    assert len({one.document_id for one in index.documents()}) == 2
    assert {hit.passage.text for hit in index.search("apples")} == {"Apples.", "Bears."}


def test_a_file_given_twice_is_one_document(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples."})
    assert counts(index.sync([docs, docs / "a.txt", docs / ".." / "d"])) == (1, 0, 0, 0)
    assert names(index) == ["a.txt"]


def test_with_a_root_the_folder_may_move(
    index: Index, embedder: CountingEmbedder, tmp_path: Path
) -> None:
    docs = write_files(tmp_path / "here", {"sub/a.txt": "Apples."})
    index.sync([docs / "sub"], root=docs)
    assert names(index) == ["sub/a.txt"]
    docs.rename(tmp_path / "there")
    there = tmp_path / "there"
    assert counts(index.sync([there], root=there)) == (0, 0, 1, 0)
    assert str(tmp_path) not in str(index.documents())


def test_another_name_for_the_same_file_is_taken_over(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"sub/a.txt": "Apples."})
    index.sync([docs / "sub"])
    assert counts(index.sync([docs])) == (0, 0, 1, 0)
    assert names(index) == ["sub/a.txt"]


def test_bad_files_are_named_and_the_rest_goes_in(index: Index, tmp_path: Path) -> None:
    docs = write_files(
        tmp_path / "d",
        {
            "good.txt": "Good words.",
            "empty.txt": "",
            "binary.txt": bytes(range(256)) * 4,
            "locked.pdf": make_pdf([paragraph(["Secret."])], password="x"),
            "broken.pdf": b"%PDF-1.4 broken",
            "scan.pdf": make_pdf([[]]),
            "picture.png": b"\x89PNG\r\n\x1a\n",
        },
    )
    report = index.sync([docs])
    assert counts(report) == (1, 0, 0, 0)
    reasons = {skipped.path.name: skipped.reason for skipped in report.skipped}
    expected = {
        "empty.txt": "empty",
        "binary.txt": "binary",
        "locked.pdf": "encrypted",
        "broken.pdf": "broken",
        "scan.pdf": "without text",
        "picture.png": "image",
    }
    assert set(reasons) == set(expected)
    assert all(word in reasons[name] for name, word in expected.items())


def test_a_file_that_cannot_be_opened_is_skipped_and_its_text_stays(
    index: Index, tmp_path: Path, monkeypatch
) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples."})
    index.sync([docs])
    opened = Path.open

    def refuse(path: Path, *args, **kwargs):
        if path.name == "a.txt":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)  # the superuser may read everything
    report = index.sync([docs])
    assert counts(report) == (0, 0, 0, 0)
    assert report.skipped[0].reason == (
        "cannot be read: Permission denied; its earlier version stays indexed"
    )
    assert names(index) == ["a.txt"]


def test_a_fault_in_a_reader_stops_nothing_but_its_file(
    index: Index, tmp_path: Path, monkeypatch, caplog
) -> None:
    hostile = partial(Parser, reader="helpers.hostile_readers:read")
    monkeypatch.setattr("quoth.retrieval.preparing.Parser", hostile)
    docs = write_files(tmp_path / "d", {"fault": "Apples.", "b.txt": "Bears."})
    report = index.sync([docs])
    assert names(index) == ["b.txt"]
    [skipped] = report.skipped
    assert skipped.path.name == "fault"
    assert skipped.reason == "could not be read because of a fault in its reader"
    assert "KeyError: " in caplog.text  # with the way there


def test_a_file_that_became_unreadable_takes_its_old_text_along(
    index: Index, tmp_path: Path
) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples."})
    index.sync([docs])
    write_files(docs, {"a.txt": b"\0\1\2" * 99})
    report = index.sync([docs])
    assert (counts(report), len(report.skipped)) == ((0, 0, 0, 1), 1)
    assert index.search("apples") == []


def test_a_path_that_is_not_there_changes_nothing(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "Apples."})
    index.sync([docs])
    with pytest.raises(InputError, match="There is no file or folder"):
        index.sync([docs / "typo", docs])
    assert names(index) == ["a.txt"]


def test_hidden_files_junk_and_links_out_are_left_alone(index: Index, tmp_path: Path) -> None:
    secret = write_files(tmp_path / "out", {"secret.txt": "Secret."}) / "secret.txt"
    docs = write_files(
        tmp_path / "d",
        {
            "a.txt": "Apples.",
            ".hidden.txt": "no",
            ".git/config": "no",
            "node_modules/m.js": "no",
            "env/pyvenv.cfg": "no",
            "env/lib.py": "no",
        },
    )
    (docs / "link.txt").symlink_to(secret)
    (docs / "folder").symlink_to(secret.parent)
    (docs / "loop").symlink_to(docs)
    (docs / "twin.txt").symlink_to(docs / "a.txt")
    os.mkfifo(docs / "pipe.txt")
    report = index.sync([docs])
    assert names(index) == ["a.txt"]
    reasons = {skipped.path.name: skipped.reason for skipped in report.skipped}
    assert reasons == {
        "link.txt": "a link that leads out of the folder",
        "pipe.txt": "not a regular file",
    }


def test_strange_names_are_shown_safely(index: Index, tmp_path: Path) -> None:
    docs = tmp_path / "d"
    docs.mkdir()
    for name in (b"bad\xff.txt", b"new\nline.txt", b"esc\x1b[31m.txt", b"<img src=x>.md"):
        (docs / os.fsdecode(name)).write_text(f"Words of {name!r}.", encoding="utf-8")
    assert index.sync([docs]).added == 4
    assert all(name.isprintable() for name in names(index))
    assert index.verify().is_clean


def test_progress_runs_from_nothing_to_all(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {f"{n}.txt": "Words. " * 9 * n for n in range(1, 5)})
    told = []
    index.sync([docs], progress=lambda *update: told.append(update))
    total = sum(path.stat().st_size for path in docs.iterdir())
    assert told[0] == (0, 1, "looking for changes")
    assert all(update[1] == total for update in told[1:])
    assert [update[0] for update in told] == sorted(update[0] for update in told)
    assert told[1] == (0, total, "1.txt")
    assert told[-1] == (total, total, "done")


def test_breaking_off_keeps_what_is_done(index: Index, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "d", {f"{n}.txt": f"Words {n}." for n in range(5)})

    def stop(done: int, total: int, what: str) -> None:
        if what == "3.txt":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.sync([docs], progress=stop)
    assert names(index) == ["0.txt", "1.txt", "2.txt"]
    assert index.verify().is_clean
    assert counts(index.sync([docs])) == (2, 0, 3, 0)


def test_other_chunk_sizes_make_the_passages_again(tmp_path: Path, embedder) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "One two three four. " * 30})
    with Index.create(tmp_path / "i", embedder=embedder) as index:
        assert index.sync([docs]).passages == 1
    small = ChunkingConfig(target=20, smallest=5)
    with Index.open(tmp_path / "i", embedder=embedder, chunking=small) as index:
        report = index.sync([docs])
        assert report.changed == 1
        assert report.passages > 5


def test_limits_hold(tmp_path: Path, embedder) -> None:
    docs = write_files(tmp_path / "d", {"a.txt": "x" * 2000, "b.txt": "fine"})
    limits = LoadLimits(max_bytes=1000)
    with Index.create(tmp_path / "i", embedder=embedder, limits=limits) as index:
        [skipped] = index.sync([docs]).skipped
        assert skipped.reason.startswith("too large")
