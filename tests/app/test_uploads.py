"""A client's file names are hostile: they never lead out of the upload folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.app.uploads import clean_name, discard_upload, store_uploads


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/pass<wd>.txt", "pass_wd_.txt"),
        ("C:\\temp\\a.md", "a.md"),
        ("..", "upload"),
        ("", "upload"),
        (".hidden", "hidden"),
        ("<img src=x onerror=alert(1)>.md", "_img src_x onerror_alert(1)_.md"),
        ("a" * 300 + ".pdf", "a" * 196 + ".pdf"),
        ("漢" * 300 + ".pdf", "漢" * 65 + ".pdf"),
        ("x." + "y" * 300, "x." + "y" * 198),
    ],
)
def test_names_are_cleaned(name, cleaned):
    assert clean_name(name) == cleaned


@given(st.text(max_size=300))
def test_no_name_leads_anywhere(name):
    cleaned = clean_name(name)
    assert cleaned
    assert len(cleaned.encode()) <= 200
    assert not set(cleaned) & set('/\\<>:"|?*\0\n')
    assert cleaned not in {".", ".."}
    assert not cleaned.startswith(".")


def test_files_of_the_same_name_are_both_kept(tmp_path):
    files = []
    for number in range(2):
        file = tmp_path / f"upload{number}"
        file.write_text(f"text {number}", encoding="utf-8")
        files.append(file)
    stored = store_uploads(tmp_path / "index", files, ["notes.txt", "notes.txt"])
    assert [path.name for path in stored] == ["notes.txt", "notes.txt"]
    assert [path.read_text(encoding="utf-8") for path in stored] == ["text 0", "text 1"]
    assert all(path.is_relative_to(tmp_path / "index") for path in stored)
    assert store_uploads(tmp_path / "index", files[:1], ["notes.txt"]) == stored[:1]


def test_only_copies_are_discarded(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("text", encoding="utf-8")
    (copy,) = store_uploads(tmp_path / "index", [file], ["notes.txt"])
    discard_upload(tmp_path / "index", file)
    discard_upload(tmp_path / "index", copy)
    assert file.exists()
    assert not copy.parent.exists()
