"""The page over the real assistant: packaged model, real index, real files, one of them hostile."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from quoth.app.assistant import Assistant
from quoth.app.settings import Settings
from quoth.app.ui.serve import running

pytestmark = pytest.mark.browser
HOSTILE_NAME = "<img src=x onerror=alert(1)><script>alert(2)<script>.md"
HOSTILE = (
    "The ferry <img src=x onerror=alert(1)> to the island <script>alert(2)</script> leaves the "
    "harbour at nine in the morning. It returns at dusk.\n"
)
QUESTION = "When does the ferry to the island leave the harbour?"
GARDEN = (
    "The garden is open from April to October. Dogs are welcome in the garden if they are kept "
    "on a lead. Tickets are sold at the gate.\n"
)


@pytest.fixture(scope="module")
def url(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("real")
    documents = folder / "documents"
    documents.mkdir()
    (documents / "garden.md").write_text(GARDEN, encoding="utf-8")
    (documents / HOSTILE_NAME).write_text(HOSTILE, encoding="utf-8")
    settings = Settings(index_path=folder / "index", device="cpu", max_new_tokens=80)
    with Assistant.open(settings) as assistant:
        assert assistant.sync([documents]).added == 2
        with running(assistant, port=0) as address:
            yield address


def test_a_copied_answer_leads_to_its_place_in_a_hostile_file(visit):
    """That nothing opens a dialog, fails or calls out is asserted when the visit ends."""
    page = (seen := visit()).page
    seen.ask_to_the_end(QUESTION)
    quote = page.locator(".q-quote.is-copied").first
    words = quote.evaluate("(one) => one.textContent")
    assert words in HOSTILE
    quote.hover()
    expect(page.locator(".q-card").first).to_be_visible()
    expect(page.locator(".q-card mark").first).to_have_text(words)
    expect(page.locator(".q-card .q-name").first).to_contain_text(HOSTILE_NAME)
    quote.click()
    panel = page.locator("#q-panel")
    expect(panel.locator(".q-target")).to_have_text(words)
    expect(panel.locator("h2")).to_contain_text(HOSTILE_NAME)
    assert panel.locator(".q-text").evaluate("(one) => one.textContent").strip() == HOSTILE.strip()
    expect(page.locator("#q-documents")).to_contain_text(HOSTILE_NAME)
    assert page.locator("#quoth img, #quoth script").count() == 0


def test_an_upload_is_indexed_and_removed_again(visit, tmp_path):
    file = tmp_path / "moon.md"
    file.write_text("The moon has no air, and its dust is grey.\n", encoding="utf-8")
    page = visit().page
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add documents").click()
    chooser.value.set_files([file])
    expect(page.locator("#q-documents")).to_contain_text("moon.md")
    remove = page.locator("#q-documents").get_by_role("button")
    expect(remove).to_have_count(1)  # what was named on the command line stays
    remove.click()
    expect(page.locator("#q-uploads")).to_have_text("moon.md removed")
    expect(page.locator("#q-documents")).not_to_contain_text("moon.md")
