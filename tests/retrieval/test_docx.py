"""Word documents become the text that a reader of their last version sees, in order."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.office_files import docx_bytes, docx_of, replaced
from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.chunking import chunk_document
from quoth.retrieval.documents import LoadLimits
from quoth.retrieval.loaders import load

RUN = "<w:r><w:t>{}</w:t></w:r>"


def text_of(body: str, **parts: str) -> str:
    return load("a.docx", docx_of(body, parts)).text


def p(*runs: str, style: str = "") -> str:
    """A paragraph of runs; what begins with `<` is taken as it is."""
    marked = [run if run.startswith("<") else RUN.format(run) for run in runs]
    return f"<w:p>{f'<w:pPr>{style}</w:pPr>' if style else ''}{''.join(marked)}</w:p>"


def test_a_document_as_word_processors_write_it() -> None:
    def write(document) -> None:
        document.core_properties.title = "From the properties"
        document.add_heading("The Book", 0)
        document.add_paragraph("Intro  with\ttab.")
        document.add_heading("Chapter", 1)
        for item in ("apples", "pears"):
            document.add_paragraph(item, style="List Bullet")
        for item in ("first", "second"):
            document.add_paragraph(item, style="List Number")
        table = document.add_table(2, 3)
        for row, values in zip(table.rows, (("H", "", "I"), ("1", "", "two\nlines")), strict=True):
            for cell, value in zip(row.cells, values, strict=True):
                cell.text = value
        document.add_heading("Part", 2)
        paragraph = document.add_paragraph("line one")
        paragraph.add_run().add_break()
        paragraph.add_run("line two")

    document = load("a.docx", docx_bytes(write))
    assert document.text.split("\n\n") == [
        "The Book", "Intro with tab.", "Chapter", "- apples\n- pears\n1. first\n2. second",
        "H | | I\n1 | | two lines", "Part", "line one\nline two",
    ]  # fmt: skip
    assert document.title == "From the properties"
    assert [(h.level, h.title) for h in document.headings] == [
        (1, "The Book"), (1, "Chapter"), (2, "Part"),
    ]  # fmt: skip
    assert [document.text[a:b] for a, b in document.kept_whole] == ["H | | I\n1 | | two lines"]
    assert document.format == "docx"


def test_without_a_title_the_first_heading_gives_it() -> None:
    content = docx_bytes(lambda document: document.add_heading("Only heading", 1))
    content = replaced(content, "docProps/core.xml", lambda _: b"<p><title/></p>")
    assert load("a.docx", content).title == "Only heading"


def test_the_rows_of_a_long_table_are_each_kept_whole() -> None:
    def write(document) -> None:
        table = document.add_table(40, 2)
        for at, row in enumerate(table.rows):
            row.cells[0].text = f"Row {at}. With a stop."
            row.cells[1].text = "Value. And more of it."

    document = load("a.docx", docx_bytes(write))
    assert len(document.kept_whole) == 40
    chunks = chunk_document(document)
    assert len(chunks) > 1
    assert all(document.text[chunk.start : chunk.end].startswith("Row") for chunk in chunks)


def test_deleted_and_hidden_text_is_left_out_and_inserted_text_kept() -> None:
    hidden = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>SECRET</w:t></w:r>"
    shown = '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t> shown</w:t></w:r>'
    by_style = '<w:r><w:rPr><w:rStyle w:val="Ghost"/></w:rPr><w:t>SECRET</w:t></w:r>'
    styles = (
        '<w:style w:type="character" w:styleId="Base"><w:rPr><w:vanish/></w:rPr></w:style>'
        '<w:style w:type="character" w:styleId="Ghost"><w:basedOn w:val="Base"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Dark"><w:rPr><w:vanish/></w:rPr></w:style>'
    )
    body = (
        p("a", "<w:del><w:r><w:delText>OLD</w:delText></w:r></w:del>")
        + p(f"<w:moveFrom>{RUN.format('OLD')}</w:moveFrom>", f"<w:ins>{RUN.format('new')}</w:ins>")
        + p("b", hidden, shown, by_style)
        + p("SECRET", style='<w:pStyle w:val="Dark"/>')
        + "<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc>" + p("OLD") + "</w:tc></w:tr>"
        + "<w:tr><w:tc>" + p("kept") + "</w:tc></w:tr></w:tbl>"
    )  # fmt: skip
    assert text_of(body, styles=styles) == "a\n\nnew\n\nb shown\n\nkept"


def test_fields_links_controls_and_formulas_give_what_is_seen() -> None:
    def mark(kind: str) -> str:
        return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'

    code = "<w:r><w:instrText>IF</w:instrText></w:r>" + RUN.format("a condition")
    math = '<m:oMath xmlns:m="urn:m"><m:r><m:t>x+1</m:t></m:r></m:oMath>'
    body = (
        p("see ", mark("begin"), code, mark("separate"), "there", mark("end"), "!")
        + p("<w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink>", " and ", math)
        + f"<w:sdt><w:sdtPr>{p('no')}</w:sdtPr><w:sdtContent>{p('control')}</w:sdtContent></w:sdt>"
    )
    assert text_of(body) == "see there!\n\nlink and x+1\n\ncontrol"


def test_text_boxes_come_once_after_their_paragraph() -> None:
    box = f"<w:txbxContent>{p('in the box')}</w:txbxContent>"
    drawing = (
        '<w:r><mc:AlternateContent xmlns:mc="urn:mc">'
        f"<mc:Choice><w:drawing>{box}</w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    assert text_of(p("before", drawing, " after")) == "before after\n\nin the box"


def test_notes_follow_the_paragraph_that_refers_to_them() -> None:
    notes = f'<w:footnote w:id="7">{p("the note")}</w:footnote>'
    ends = f'<w:endnote w:id="7">{p("the end")}</w:endnote>'
    body = (
        p("one", '<w:r><w:footnoteReference w:id="7"/></w:r>', " more")
        + p("two", '<w:r><w:endnoteReference w:id="7"/></w:r>')
        + p("again", '<w:r><w:footnoteReference w:id="7"/></w:r>')
    )
    assert text_of(body, footnotes=notes, endnotes=ends).split("\n\n") == [
        "one[1] more", "[1] the note", "two[2]", "[2] the end", "again[1]",
    ]  # fmt: skip


NUMBERING = (
    '<w:abstractNum w:abstractNumId="1">'
    '<w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="%1."/>'
    "</w:lvl>"
    '<w:lvl w:ilvl="1"><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>'
    '<w:lvl w:ilvl="2"><w:numFmt w:val="bullet"/><w:lvlText w:val="x"/></w:lvl>'
    "</w:abstractNum>"
    '<w:num w:numId="5"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="6"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0">'
    '<w:startOverride w:val="1"/></w:lvlOverride></w:num>'
)


def numbered(text: str, depth: int, number_id: int = 5) -> str:
    style = f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number_id}"/></w:numPr>'
    return p(text, style=style)


def test_numbers_are_those_that_a_reader_sees() -> None:
    steps = [(0, 5), (1, 5), (1, 5), (2, 5), (0, 5), (1, 5), (0, 6), (0, 6)]
    body = "".join(numbered("x", depth, number_id) for depth, number_id in steps)
    assert text_of(body, numbering=NUMBERING).split("\n") == [
        "III. x", "III.a) x", "III.b) x", "- x", "IV. x", "IV.a) x", "I. x", "II. x",
    ]  # fmt: skip


def test_headings_by_outline_level_inherited_and_localized_styles() -> None:
    styles = (
        '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="Own"><w:basedOn w:val="berschrift1"/></w:style>'
        '<w:style w:styleId="Loop"><w:basedOn w:val="Loop"/></w:style>'
        '<w:style w:styleId="Out"><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>'
    )
    body = "".join(
        p(name, style=f'<w:pStyle w:val="{name}"/>') for name in ("Own", "Loop", "Out", "Unknown")
    ) + p("Direct", style='<w:outlineLvl w:val="1"/>')
    document = load("a.docx", docx_of(body, {"styles": styles}))
    assert [(h.title, h.level) for h in document.headings] == [
        ("Own", 1),
        ("Out", 3),
        ("Direct", 2),
    ]


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), WORDS), max_size=8))
def test_all_text_comes_out_in_order(blocks: Sequence[tuple[int, str]]) -> None:
    def write(document) -> None:
        for level, words in blocks:
            if level:
                document.add_heading(words, level)
            else:
                document.add_table(1, 1).cell(0, 0).text = words

    shown = [" ".join(canonical_text(words).split()) for _, words in blocks]
    try:
        document = load("a.docx", docx_bytes(write))
    except DocumentError:
        assert not any(shown)
        return
    expected = [words for words in shown if words.strip(" |")]
    found = [" ".join(part.split()) for part in document.text.split("\n\n")]
    assert [part.strip(" |") for part in found] == [part.strip(" |") for part in expected]
    for heading in document.headings:
        assert " ".join(document.text[heading.start : heading.end].split()).startswith(
            heading.title
        )


def test_the_text_is_limited_and_notes_do_not_multiply() -> None:
    notes = f'<w:footnote w:id="1">{p("long " * 1000)}</w:footnote>'
    body = p("x", '<w:r><w:footnoteReference w:id="1"/></w:r>') * 500
    text = text_of(body, footnotes=notes)
    assert text.count("long") == 1000
    with pytest.raises(DocumentError, match="more than 99 characters"):
        load("a.docx", docx_of(body), LoadLimits(max_chars=99))


@pytest.mark.parametrize("nested", ["w:sdt", "w:ins", "w:tbl><w:tr><w:tc"])
def test_nesting_is_read_or_refused(nested: str) -> None:
    """No depth of nesting exhausts the stack."""
    opening = f"<{nested}>"
    closing = "".join(f"</{tag}>" for tag in reversed(nested.split("><")))
    for depth in (40, 5_000):
        try:
            text = text_of(p("top") + opening * depth + p("deep") + closing * depth)
        except DocumentError as error:
            assert "cannot be read" in str(error)  # noqa: PT017 - either is fine
        else:
            assert text == "top\n\ndeep"


def test_a_long_document_takes_linear_time() -> None:
    started = time.process_time()
    text = text_of(numbered("word " * 20, 0) * 20_000, numbering=NUMBERING)
    assert text.count("\n") == 19_999
    assert time.process_time() - started < 10


def test_hostile_styles_and_lists_take_linear_time() -> None:
    """Long chains, crowded styles and endless patterns are looked at once, not once a paragraph."""
    style = '<w:style w:styleId="{}"><w:rPr>{}</w:rPr><w:basedOn w:val="{}"/></w:style>'
    styles = "".join(style.format(n, "<w:b/>" * 20, n + 1) for n in range(2_000))
    levels = "".join(
        f'<w:lvl w:ilvl="{n}"><w:lvlText w:val="{"%9" * 5_000}"/></w:lvl>' for n in range(500)
    )
    numbering = (
        f'<w:abstractNum w:abstractNumId="1">{levels}</w:abstractNum>'
        '<w:num w:numId="5"><w:abstractNumId w:val="1"/></w:num>'
    )
    item = numbered("x", 0).replace("<w:numPr>", '<w:pStyle w:val="0"/><w:numPr>')
    started = time.process_time()
    text = text_of(item * 5_000, styles=styles, numbering=numbering)
    assert text.count("x") == 5_000
    assert time.process_time() - started < 5
