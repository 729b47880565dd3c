"""Presentations become the text of their slides, in order, with the slide as the location."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from helpers.office_files import pptx_bytes, replaced
from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import LoadLimits
from quoth.retrieval.loaders import load
from quoth.types import location_between

TITLE, TITLE_ONLY, BLANK = 0, 5, 6


def slide(presentation, layout: int, title: str = ""):
    made = presentation.slides.add_slide(presentation.slide_layouts[layout])
    if title:
        made.shapes.title.text = title
    return made


def box(shapes, text: str):
    made = shapes.add_textbox(0, 0, Inches(1), Inches(1))
    made.text_frame.text = text
    return made


def write_deck(presentation) -> None:
    first = slide(presentation, TITLE, "The Deck")
    first.placeholders[1].text = "Subtitle\nsecond line"
    second = slide(presentation, TITLE_ONLY)
    table = second.shapes.add_table(2, 3, 0, 0, Inches(4), Inches(2)).table
    for row, values in enumerate((("H", "", "I"), ("1", "", "two\x0blines"))):
        for column, value in enumerate(values):
            table.cell(row, column).text = value
    group = second.shapes.add_group_shape().shapes.add_group_shape()
    box(group.shapes, "in a group")
    box(second.shapes, "hidden")._element.nvSpPr.cNvPr.set("hidden", "1")
    second.shapes.title.text = "Comes first"
    second.notes_slide.notes_text_frame.text = "Say this.\nThen that."
    slide(presentation, BLANK)
    third = slide(presentation, BLANK)
    third._element.set("show", "0")
    data = CategoryChartData()
    data.categories = ["2022", "2023"]
    data.add_series("Revenue", (5.1, 5.2000000000000002), "0.0%")
    chart = third.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(3), Inches(3), data
    ).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Sales"
    box(third.shapes, "Last")


def test_a_deck_is_read_slide_by_slide() -> None:
    document = load("a.pptx", pptx_bytes(write_deck))
    assert document.text.split("\n\n") == [
        "The Deck", "Subtitle\nsecond line",
        "Comes first", "H | | I\n1 | | two lines", "in a group", "Notes: Say this.\nThen that.",
        "Sales\nRevenue: 2022: 510.0% | 2023: 520.0%", "Last",
    ]  # fmt: skip
    assert [(h.level, h.title) for h in document.headings] == [
        (1, "The Deck"), (1, "Comes first"), (1, "Sales"),
    ]  # fmt: skip
    assert [each.label for each in document.locations] == ["slide 1", "slide 2", "slide 4 (hidden)"]
    starts = [each.start for each in document.locations]
    assert starts == [heading.start for heading in document.headings]
    assert location_between(document.locations, starts[1], starts[1] + 3) == "slide 2"
    assert [document.text[a:b][:5] for a, b in document.kept_whole] == ["H | |", "Sales"]
    assert document.format == "pptx"


def test_footers_dates_and_slide_numbers_are_no_text() -> None:
    def write(presentation) -> None:
        made = slide(presentation, TITLE_ONLY, "Title")
        for kind in ("ftr", "dt", "sldNum"):
            made_box = box(made.shapes, f"furniture {kind}")
            made_box._element.nvSpPr.nvPr._add_ph().set("type", kind)

    assert load("a.pptx", pptx_bytes(write)).text == "Title"


def test_own_bullets_and_numbers_are_shown() -> None:
    def write(presentation) -> None:
        frame = box(slide(presentation, BLANK).shapes, "a\nb\nc\nd").text_frame
        for paragraph, kind in zip(
            frame.paragraphs, ("AutoNum", "AutoNum", "Char", ""), strict=True
        ):
            if kind:
                tag = "{http://schemas.openxmlformats.org/drawingml/2006/main}bu" + kind
                paragraph._p.get_or_add_pPr().append(paragraph._p.makeelement(tag))

    assert load("a.pptx", pptx_bytes(write)).text == "1. a\n2. b\n- c\nd"


def test_order_is_that_of_the_presentation_not_of_the_parts() -> None:
    def write(presentation) -> None:
        for name in ("one", "two", "three"):
            slide(presentation, TITLE_ONLY, name)
        slides = presentation.slides._sldIdLst
        slides.insert(0, slides[2])

    document = load("a.pptx", pptx_bytes(write))
    assert document.text == "three\n\none\n\ntwo"
    assert [each.label for each in document.locations] == ["slide 1", "slide 2", "slide 3"]


def test_a_missing_slide_is_reported_and_too_many_are_refused() -> None:
    content = pptx_bytes(lambda deck: [slide(deck, TITLE_ONLY, "x") for _ in range(3)])
    with pytest.raises(DocumentError, match="3 slides, and 2 are allowed"):
        load("a.pptx", content, LoadLimits(max_pages=2))
    with pytest.raises(DocumentError, match="XML within it cannot be read"):
        load("a.pptx", replaced(content, "ppt/slides/slide2.xml", lambda part: part[:200]))


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)


@settings(max_examples=15)
@given(st.lists(st.lists(WORDS, max_size=3), max_size=3))
def test_all_text_comes_out_in_order_on_its_slide(slides: list[list[str]]) -> None:
    def write(presentation) -> None:
        for texts in slides:
            made = slide(presentation, BLANK)
            for text in texts:
                box(made.shapes, text)

    shown = [[" ".join(canonical_text(text).split()) for text in texts] for texts in slides]
    content = pptx_bytes(write)
    if not any(text for texts in shown for text in texts):
        with pytest.raises(DocumentError, match="holds no text"):
            load("a.pptx", content)
        return
    document = load("a.pptx", content)
    expected = [text for texts in shown for text in texts if text]
    assert document.text.split("\n\n") == expected
    starts = [each.start for each in document.locations] + [len(document.text)]
    told = {each.label: document.text[each.start : end].strip().split("\n\n")
            for each, end in zip(document.locations, starts[1:], strict=True)}  # fmt: skip
    assert told == {
        f"slide {number}": [text for text in texts if text]
        for number, texts in enumerate(shown, 1)
        if any(texts)
    }


def test_a_slide_that_is_listed_again_and_again_is_read_once() -> None:
    """As no program writes it: 70 KB took minutes, and gave 25 MB of the same."""

    def again(content: bytes) -> bytes:
        begin, end = content.index(b"<p:sldId "), content.index(b"</p:sldIdLst>")
        return content[:begin] + content[begin:end] * 50 + content[end:]

    deck = pptx_bytes(lambda made: slide(made, TITLE_ONLY, "Once"))
    assert load("a.pptx", replaced(deck, "ppt/presentation.xml", again)).text == "Once"


def test_tables_within_tables_are_read_once() -> None:
    """As no program writes them: each was read again for every one around it, 70 KB for minutes."""

    def nested(content: bytes) -> bytes:
        begin, end = content.index(b"<a:tbl>"), content.index(b"</a:tbl>") + len(b"</a:tbl>")
        opened, closed = b"<a:tbl><a:tr><a:tc>", b"</a:tc></a:tr></a:tbl>"
        return content[:begin] + opened * 30 + content[begin:end] + closed * 30 + content[end:]

    def write(deck) -> None:
        table = slide(deck, BLANK).shapes.add_table(1, 2, 0, 0, Inches(1), Inches(1)).table
        table.cell(0, 0).text, table.cell(0, 1).text = "a", "b"

    deck = replaced(pptx_bytes(write), "ppt/slides/slide1.xml", nested)
    assert load("a.pptx", deck).text == "a b"
