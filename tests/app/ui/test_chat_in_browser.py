"""The page as a visitor meets it: a real server, a real Chromium, no sleeping."""

import re

import pytest
from playwright.sync_api import Page, expect

from helpers.page_texts import GUIDE, HOSTILE, HOSTILE_NAME
from helpers.scripted_assistant import Copy, Own, Pause
from quoth.errors import InputError

pytestmark = pytest.mark.browser
COPIED = "The decoder copies a span, and the model checks all of its tokens in one forward pass."
PLAIN = "The answer is the one that plain decoding would give."
SEGMENTS = "Segments are listed below."
SALES = "Net sales were $34,229 million."


def is_in_view(page: Page, inner: str, outer: str) -> bool:
    return page.evaluate(
        """([inner, outer]) => {
            const [a, b] = [inner, outer].map((one) =>
                document.querySelector(one).getBoundingClientRect());
            return a.height > 0 && a.top >= b.top && a.bottom <= b.bottom;
        }""",
        [inner, outer],
    )


def test_an_answer_streams_and_copied_words_are_coloured_as_they_come(visit, scripts):
    scripts["stream"] = [Own("So: "), Copy(COPIED, "guide"), pause := Pause(), Own(" That is it.")]
    page = (seen := visit()).page
    seen.ask("stream")
    expect(page.locator(".q-answer")).to_have_text(f"So: {COPIED}")
    expect(page.locator("mark.q-quote.q-c1.is-copied")).to_have_text(COPIED)
    expect(page.locator(".q-numbers")).to_have_count(0)
    pause.go_on.set()
    expect(page.locator(".q-answer")).to_have_text(f"So: {COPIED} That is it.")
    expect(page.locator(".q-numbers")).to_contain_text("tokens per forward pass")
    expect(page.locator(".q-source.is-copied")).to_have_text("1guide.md")


def test_sources_differ_in_colour_and_matched_words_are_drawn_differently(visit, scripts):
    scripts["colours"] = [Copy(COPIED, "guide"), Own(" "), Copy(SEGMENTS, "report", "matched")]
    page = (seen := visit()).page
    seen.ask_to_the_end("colours")
    style = """(one) => {
        const drawn = getComputedStyle(one);
        return [drawn.backgroundColor, drawn.textDecorationStyle];
    }"""
    copied = page.locator(".is-copied.q-quote").evaluate(style)
    matched = page.locator(".is-matched.q-quote").evaluate(style)
    assert copied[0] != matched[0] == "rgba(0, 0, 0, 0)"
    assert (copied[1], matched[1]) == ("solid", "dotted")
    expect(page.locator(".q-legend").nth(1)).to_contain_text(
        "Found word for word in2report_2022.pdfpages 1-2"
    )


def test_pointing_at_a_span_shows_document_page_and_the_text_around_it(visit, scripts):
    scripts["hover"] = [Copy(SALES, "report")]
    page = (seen := visit()).page
    seen.ask_to_the_end("hover")
    card = page.locator(".q-card")
    expect(card).to_be_hidden()
    page.locator(".q-quote").hover()
    expect(card).to_be_visible()
    expect(card).to_contain_text("report_2022.pdf")
    expect(card).to_contain_text("page 5")
    expect(card.locator(".q-excerpt")).to_contain_text("Segments are listed below.")
    expect(card.locator("mark")).to_have_text(SALES)
    box, size = card.bounding_box(), page.viewport_size
    assert box["x"] >= 0
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= size["width"]
    assert box["y"] + box["height"] <= size["height"]
    page.mouse.move(640, 600)
    expect(card).to_be_hidden()


def test_a_click_opens_the_passage_in_its_document_highlighted_and_in_view(visit, scripts):
    scripts["click"] = [Copy(SALES, "report")]
    page = (seen := visit()).page
    seen.ask_to_the_end("click")
    panel = page.locator("#q-panel")
    expect(panel).to_be_hidden()
    page.locator(".q-quote").click()
    expect(panel.locator(".q-target")).to_have_text(SALES)
    expect(panel.locator("h2")).to_contain_text("report_2022.pdf")
    expect(panel.locator(".q-where")).to_contain_text("page 5")
    expect(panel.locator(".q-text")).to_contain_text("Annual report")
    expect(panel.get_by_role("button", name="Close the source")).to_be_focused()
    assert is_in_view(page, "#q-panel .q-target", "#q-panel .q-document")
    page.get_by_role("button", name="Close the source").click()
    expect(panel).to_be_hidden()


def test_the_keyboard_reaches_card_panel_and_the_way_back(visit, scripts):
    scripts["keys"] = [Copy(COPIED, "guide"), Own(" and "), Copy(SALES, "report")]
    page = (seen := visit()).page
    seen.ask_to_the_end("keys")
    first, second = page.locator(".q-quote").all()
    page.get_by_role("button", name="New conversation").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if first.evaluate("(one) => one === document.activeElement"):
            break
    expect(first).to_be_focused()
    expect(page.locator(".q-card").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".q-card").first).to_be_hidden()
    page.keyboard.press("Tab")
    expect(second).to_be_focused()
    expect(page.locator(".q-card").nth(1)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#q-panel .q-target")).to_have_text(SALES)
    page.keyboard.press("Escape")
    expect(page.locator("#q-panel")).to_be_hidden()
    expect(second).to_be_focused()


def test_where_the_source_is_cut_a_mark_is_drawn_that_is_no_part_of_the_text(visit, scripts):
    scripts["cut"] = [Copy("The decoder copies a span", "guide"), Own(" "), Copy(PLAIN, "guide")]
    page = (seen := visit()).page
    seen.ask_to_the_end("cut")
    seam = page.get_by_role("img", name="The source is cut here")
    expect(seam).to_have_count(1)
    assert seam.evaluate("(one) => getComputedStyle(one, '::before').content") == '"…"'
    assert seam.bounding_box()["width"] > 5
    answer = page.locator(".q-answer")
    read = "(one) => { getSelection().selectAllChildren(one); return String(getSelection()); }"
    assert answer.evaluate(read).strip() == f"The decoder copies a span {PLAIN}"
    assert answer.evaluate("(one) => one.textContent") == f"The decoder copies a span {PLAIN}"


def test_quotes_that_meet_in_the_source_are_not_kept_apart(visit, scripts):
    scripts["whole"] = [Copy(COPIED, "guide"), Own("\n"), Copy(PLAIN, "guide")]
    page = (seen := visit()).page
    seen.ask_to_the_end("whole")
    expect(page.locator(".q-quote")).to_have_count(2)
    expect(page.locator(".q-seam")).to_have_count(0)


def test_other_places_of_the_same_words_open_from_the_panel(visit, scripts, assistant):
    assistant.texts["copy"], assistant.names["copy"] = f"Here too: {SALES}", "copy.txt"
    scripts["others"] = [Copy(SALES, "report")]
    page = (seen := visit()).page
    seen.ask_to_the_end("others")
    page.locator(".q-quote").click()
    page.locator(".q-other", has_text="copy.txt").click()
    expect(page.locator("#q-panel .q-text")).to_have_text(f"Here too: {SALES}")
    page.locator(".q-other", has_text="report_2022.pdf page 5").click()
    expect(page.locator("#q-panel .q-text")).to_contain_text("Annual report")


def test_an_earlier_turn_opens_with_its_text(visit, scripts, assistant):
    assistant.turns["t1"] = ("You", "I asked about net sales before.")
    scripts["turn"] = [Own("You asked "), Copy("about net sales", "t1")]
    page = (seen := visit()).page
    seen.ask_to_the_end("turn")
    expect(page.locator(".q-source.is-copied")).to_contain_text("earlier in this conversation")
    page.locator(".q-quote").click()
    expect(page.locator("#q-panel .q-text")).to_have_text("I asked about net sales before.")


def test_hostile_texts_and_names_show_as_text(visit, scripts):
    """That nothing opens a dialog, fails or calls out is asserted when the visit ends."""
    scripts[HOSTILE] = [Own(HOSTILE), Own("\n"), Copy(HOSTILE, "evil")]
    page = (seen := visit()).page
    seen.ask_to_the_end(HOSTILE)
    expect(page.locator(".q-answer")).to_have_text(f"{HOSTILE} {HOSTILE}")
    page.locator(".q-quote").hover()
    expect(page.locator(".q-card")).to_contain_text(HOSTILE)
    expect(page.locator(".q-card")).to_contain_text(HOSTILE_NAME)
    page.locator(".q-quote").click()
    expect(page.locator("#q-panel .q-text")).to_have_text(HOSTILE)
    expect(page.locator("#q-documents")).to_contain_text(HOSTILE_NAME)
    assert page.locator("#quoth img, #quoth script, #quoth a, #quoth svg[onload]").count() == 0


def test_uploaded_documents_are_added_or_refused_by_name(visit, assistant, tmp_path):
    good, bad = tmp_path / "notes (final).md", tmp_path / "broken.md"
    good.write_text("Fresh words. " * 40, encoding="utf-8")
    bad.write_bytes(b"\0\1")
    page = visit().page
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add documents").click()
    chooser.value.set_files([good, bad])
    lines = page.locator("#q-uploads li")
    expect(lines.nth(0)).to_have_text(re.compile(r"notes \(final\)\.md\s+added 3 passages"))
    expect(lines.nth(1)).to_have_text(re.compile(r"broken\.md\s+skipped: it is not text"))
    expect(page.locator("#q-documents")).to_contain_text("notes (final).md")
    expect(page.locator("#q-documents")).not_to_contain_text("broken.md")
    expect(page.locator(".q-about")).to_contain_text(f"{len(assistant.texts)} documents")


def test_an_uploaded_document_of_a_hostile_name_can_be_removed(visit, assistant):
    """That nothing opens a dialog, fails or calls out is asserted when the visit ends."""
    assistant.texts["upload-evil"], assistant.names["upload-evil"] = "Short.", f"{HOSTILE_NAME}!"
    page = visit().page
    documents = page.locator("#q-documents")
    expect(documents).to_contain_text(f"{HOSTILE_NAME}!1 passage")
    expect(page.get_by_role("button", name="Remove guide.md")).to_have_count(0)
    page.get_by_role("button", name=f"Remove {HOSTILE_NAME}!", exact=True).click()
    expect(page.locator("#q-uploads")).to_have_text(f"{HOSTILE_NAME}! removed")
    expect(documents).not_to_contain_text(f"{HOSTILE_NAME}!")
    expect(documents).to_contain_text("guide.md")
    expect(page.locator(".q-about")).to_contain_text(f"{len(assistant.texts)} documents")
    assert "upload-evil" not in assistant.texts


def test_a_new_conversation_is_empty_and_closes_the_panel(visit, scripts):
    scripts["old"] = [Copy(SALES, "report")]
    page = (seen := visit()).page
    seen.ask_to_the_end("old")
    page.locator(".q-quote").click()
    expect(page.locator("#q-panel .q-target")).to_be_visible()
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".q-welcome")).to_be_visible()
    expect(page.locator(".q-exchange")).to_have_count(0)
    expect(page.locator("#q-panel")).to_be_hidden()


def test_an_example_question_is_asked_by_a_click(visit, scripts):
    scripts["What were the net sales?"] = [Copy(SALES, "report")]
    page = visit().page
    page.get_by_role("button", name="What were the net sales?").click()
    expect(page.locator(".q-question")).to_have_text("What were the net sales?")
    expect(page.locator(".q-quote")).to_have_text(SALES)


def test_an_error_is_one_line_and_the_question_stays(visit, scripts):
    scripts["too long"] = [Own("A beginning"), InputError("The question has 9 words too many.")]
    page = (seen := visit()).page
    seen.ask_to_the_end("too long")
    expect(page.get_by_role("alert")).to_have_text("The question has 9 words too many.")
    expect(page.locator(".q-question")).to_have_text("too long")
    expect(page.locator(".q-answer")).to_have_text("A beginning")


def test_stop_ends_the_answer_and_the_next_question_is_answered(visit, scripts):
    scripts["stop me"] = [Own("one"), pause := Pause(), Own(" two three")]
    scripts["next"] = [Own("Here.")]
    page = (seen := visit()).page
    seen.ask("stop me")
    expect(page.locator(".q-answer")).to_have_text("one")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".q-notice")).to_have_text("Stopped.")
    pause.go_on.set()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    seen.ask("next")
    expect(page.locator(".q-answer").last).to_have_text("Here.")


def test_visitors_see_only_their_own_conversation_and_their_place_in_line(visit, scripts):
    scripts["mine"] = [Own("For the first."), pause := Pause()]
    scripts["yours"] = [Own("For the second.")]
    first, second = visit(), visit()
    first.ask("mine")
    expect(first.page.locator(".q-answer")).to_have_text("For the first.")
    second.ask("yours")
    expect(second.page.locator(".q-status")).to_have_text("Waiting for its turn: 1 question ahead")
    pause.go_on.set()
    expect(second.page.locator(".q-answer")).to_have_text("For the second.")
    expect(first.page.locator(".q-exchange")).to_have_count(1)
    expect(second.page.locator(".q-exchange")).to_have_count(1)
    expect(second.page.locator("#q-thread")).not_to_contain_text("mine")


def test_a_narrow_window_keeps_everything_in_reach(visit, scripts):
    scripts["narrow"] = [Copy(COPIED, "guide")]
    page = (seen := visit(viewport={"width": 420, "height": 800})).page
    expect(page.locator("#q-library")).to_be_hidden()
    seen.ask_to_the_end("narrow")
    page.locator(".q-quote").click()
    expect(page.locator("#q-panel .q-target")).to_have_text(COPIED)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Documents", exact=True).click()
    expect(page.locator("#q-documents")).to_contain_text("guide.md")
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_theme_of_the_system(visit, scheme):
    page = visit(color_scheme=scheme).page
    background = page.locator("#quoth").evaluate("(one) => getComputedStyle(one).backgroundColor")
    assert background == {"light": "rgb(252, 251, 248)", "dark": "rgb(22, 23, 27)"}[scheme]


def test_the_text_in_the_panel_is_the_text_of_the_source(visit, scripts):
    scripts["whole"] = [Copy(COPIED, "guide")]
    page = (seen := visit()).page
    seen.ask_to_the_end("whole")
    page.locator(".q-quote").click()
    expect(page.locator("#q-panel .q-target")).to_be_visible()
    assert page.locator("#q-panel .q-text").evaluate("(one) => one.textContent") == GUIDE
