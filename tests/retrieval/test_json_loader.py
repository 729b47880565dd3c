"""JSON reads as lines of values, record by record, whatever is in it."""

import json
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.chunking import chunk_document
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders import load


def load_json(value: object, name: str = "a.json") -> LoadedDocument:
    return load(name, json.dumps(value).encode())


def test_values_are_led_by_their_path() -> None:
    document = load_json(
        {"name": "Quoth", "author": {"home": {"city": "Łódź"}}, "tags": ["a", "b"],
         "sizes": [{"w": 1, "ok": True}, None, []], "note": "two\nlines", "none": {}}
    )  # fmt: skip
    assert document.text == (
        "name: Quoth\n\nauthor.home.city: Łódź\n\ntags: a, b\n\nsizes[0].w: 1\nsizes[0].ok: true\n"
        "sizes[1]: null\nsizes[2]: []\n\nnote:\ntwo\nlines\nnone: {}"
    )
    assert document.title == "Quoth"
    assert [heading.title for heading in document.headings] == ["author", "", "sizes", ""]


def test_records_are_whole_and_numbered_and_titled() -> None:
    records = [{"id": "x1", "text": "First."}, {"text": "Second."}, {"title": "T 3", "id": "x3"}]
    document = load_json(records)
    assert [document.text[a:b] for a, b in document.kept_whole] == [
        "id: x1\ntext: First.", "text: Second.", "title: T 3\nid: x3",
    ]  # fmt: skip
    assert [location.label for location in document.locations] == [
        "record 1", "record 2", "record 3",
    ]  # fmt: skip
    assert [heading.title for heading in document.headings] == ["x1", "", "T 3"]
    lines = "\n".join(map(json.dumps, records)).encode()
    assert load("a.jsonl", lines).text == document.text
    assert load("a.json", lines).text == document.text  # the suffix is often wrong


def test_a_record_is_one_passage_where_it_fits() -> None:
    records = [{"title": f"Title {n}", "text": "Many words of it. " * 12} for n in range(9)]
    chunks = chunk_document(load_json(records))
    assert [chunk.headings for chunk in chunks] == [(f"Title {n}",) for n in range(9)]


def test_numbers_stay_as_written_and_names_may_come_twice() -> None:
    big = "9" * 10_000
    text = f'{{"a": 1.10, "a": 1E400, "b": [NaN, -0, {big}]}}'
    assert load("a.json", text.encode()).text == f"a: 1.10\na: 1E400\nb: NaN, -0, {big}"


def test_lines_that_are_no_json_are_kept() -> None:
    document = load("a.jsonl", b'{"a": 1}\n\n{"a": oops}\n{"a": "b"}\r\n[1]\n')
    assert document.text == 'a: 1\n\n{"a": oops}\n\na: b\n\n1'
    assert document.locations[1].label == "record 2"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"a": 1,}',
        "// settings\n{}",
        '{"a": "cut',
    ],
    ids=["open", "deep list", "deep object", "comma", "comment", "cut"],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_what_cannot_be_parsed_stays_as_it_is(name: str, text: str) -> None:
    document = load(name, text.encode())
    assert document.text == text
    assert document.format == "code"  # with the lines of the file


def test_byte_order_marks_and_lone_surrogates() -> None:
    assert load("a.json", b'\xef\xbb\xbf{"a": "\\ud800b"}').text == "a: b"
    assert load("a.json", '{"a": "é"}'.encode("utf-16")).text == "a: é"


def test_long_paths_do_not_outgrow_the_file() -> None:
    key = "k" * 100_000
    document = load_json({key: [{"v": n} for n in range(10_000)]})
    assert len(document.text) < 4_000_000
    deep: object = 1
    for _ in range(500):
        deep = {"key": deep}
    assert len(load_json(deep).text) < 300


def test_size_is_limited_while_it_grows() -> None:
    with pytest.raises(DocumentError, match="too large: more than 1,000 characters"):
        load("a.json", json.dumps(["x" * 99, {}] * 20).encode(), LoadLimits(max_chars=1_000))


def test_large_files_take_linear_time() -> None:
    started = time.process_time()
    load_json([{"name": f"n{n}", "v": [n, {"w": "x"}]} for n in range(10_000)])
    load_json([{"v": n} for n in range(40_000)])
    assert time.process_time() - started < 10


KEYS = st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in leaves(part)]
    return [value] if isinstance(value, str) else [json.dumps(value)]


@settings(max_examples=50)
@given(st.lists(VALUES, min_size=1, max_size=4) | st.dictionaries(KEYS, VALUES, min_size=1))
def test_every_value_comes_out_in_order(value: object) -> None:
    assume(any(canonical_text(leaf).strip() for leaf in leaves(value)) or isinstance(value, dict))
    document = load_json(value)
    text = "".join(document.text.split())
    place = 0
    for leaf in leaves(value):
        wanted = "".join(canonical_text(leaf).split())
        place = text.index(wanted, place) + len(wanted)
    assert canonical_text(document.text) == document.text
    for heading in document.headings:
        words = document.text[heading.start : heading.end]
        assert heading.title in " ".join(words.split())
    assert list(document.kept_whole) == sorted(document.kept_whole)
