"""Notebooks read cell by cell: text with its headings, code whole, outputs that are text."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.notebooks import make_notebook
from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.loaders import load

OUTPUTS = [
    {"output_type": "stream", "text": ["10%\r100%\n", "\x1b[31mred\x1b[0m\n"]},
    {"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": ["<Figure>"]}},
    {"output_type": "execute_result", "data": {"text/html": "<table><tr><td>7</table>"}},
    {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "by zero", "traceback": []},
    {"output_type": "display_data", "data": {"image/png": "BBBB"}},
]


def test_cells_in_order_with_headings_places_and_outputs() -> None:
    document = load(
        "a.ipynb",
        make_notebook(
            ("markdown", "Intro.\n\n## Data\n\n# Sales\n"), ("code", "x = 1\n\nprint(x)\n"),
            ("code", ""), ("raw", "raw words"),
            outputs=OUTPUTS,
        ),
    )  # fmt: skip
    assert document.text == (
        "Intro.\n\n## Data\n\n# Sales\n\nx = 1\n\nprint(x)\n\nOutput:\n100%\nred\n\n"
        "Output:\n<Figure>\n\nOutput:\n7\n\nOutput:\nZeroDivisionError: by zero\n\n"
        + "Output:\n100%\nred\n\nOutput:\n<Figure>\n\nOutput:\n7\n\n"
        "Output:\nZeroDivisionError: by zero\n\nraw words"
    )
    assert document.title == "Sales"
    assert [(each.level, each.title) for each in document.headings] == [(2, "Data"), (1, "Sales")]
    assert [document.text[a:b] for a, b in document.kept_whole] == ["x = 1\n\nprint(x)"]
    starts = [document.text.index(start) for start in ("Intro", "x = 1", "raw")]
    places = [(each.start, each.label) for each in document.locations]
    assert [places[0], places[1], places[3]] == list(
        zip(starts, ["cell 1", "cell 2", "cell 4"], strict=True)
    )


def test_long_outputs_are_cut_and_say_so() -> None:
    outputs = [{"output_type": "stream", "text": "line\n" * 10_000}]
    text = load("a.ipynb", make_notebook(("code", "run()"), outputs=outputs)).text
    assert len(text) < 5_000
    assert text.endswith("more characters of output)")


def test_the_older_format_is_read() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Old\n"]},
        {"cell_type": "code", "input": "print(1)", "outputs": [{"output_type": "pyout"}]},
    ]
    document = load("a.ipynb", json.dumps({"worksheets": [{"cells": cells}]}).encode())
    assert document.text == "## Old\n\nprint(1)"
    assert document.headings[0].level == 2


@pytest.mark.parametrize(
    "content", [b"{}", b"[]", b"no json", b"[" * 100_000, b'{"cells": []}', b'{"cells": 3}']
)
def test_what_is_no_notebook_is_refused(content: bytes) -> None:
    with pytest.raises(DocumentError, match="broken"):
        load("a.ipynb", content)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cell_type", "source", "outputs", "data", "text", "level"])
            | st.text(max_size=3),
            inner | st.sampled_from(["code", "markdown", "heading", "stream"]),
            max_size=4,
        )
    ),
    max_leaves=10,
)


def test_what_is_drawn_over_goes_and_the_last_of_it_stays() -> None:
    printed = {"output_type": "stream", "text": "1%\r99%\r100%\r\nEpoch 1\rEpoch 2\r"}
    document = load("a.ipynb", make_notebook(("code", "x"), outputs=[printed]))
    assert document.text == "x\n\nOutput:\n100%\nEpoch 2"


def test_an_output_of_one_long_line_takes_linear_time() -> None:
    """The search for progress bars began anew at each character: hours for 1 MB."""
    printed = {"output_type": "stream", "text": "x" * 400_000}
    started = time.process_time()
    load("a.ipynb", make_notebook(("code", "x"), outputs=[printed]))
    assert time.process_time() - started < 5


@settings(max_examples=60)
@given(st.lists(JUNK, min_size=1, max_size=4), JUNK)
def test_anything_in_cells_is_harmless(cells: list[object], metadata: object) -> None:
    try:
        document = load("a.ipynb", json.dumps({"cells": cells, "metadata": metadata}).encode())
    except DocumentError:
        return
    assert canonical_text(document.text) == document.text


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["markdown", "code", "raw"]), st.text(min_size=1))))
def test_sources_come_out_in_order_and_where_they_are_said_to_stand(cells: list) -> None:
    marked = [(kind, f"|{source}|") for kind, source in cells] or [("raw", "x")]
    document = load("a.ipynb", make_notebook(*marked))
    places = {each.label: each.start for each in document.locations}
    place = 0
    for number, (_, source) in enumerate(marked, 1):
        wanted = canonical_text(source)
        place = document.text.index(wanted, place)
        assert places[f"cell {number}"] == place
        place += len(wanted)
