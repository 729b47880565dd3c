"""A real Chromium and a real server for the tests of the page; skipped without a browser."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from helpers.page_texts import GUIDE, HOSTILE, HOSTILE_NAME, REPORT
from helpers.scripted_assistant import Script, ScriptedAssistant
from quoth.app.ui.serve import running

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 60_000  # for a machine that is busy with other things
WINDOW = {"width": 1280, "height": 800}


class Visit:
    """One visitor's page, with all that it asked the network for and every dialog it opened."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self.errors: list[str] = []
        context.on("request", lambda request: self.requests.append(request.url))
        self.page: Page = context.new_page()
        self.page.on("dialog", self._dismiss)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(url)
        expect(self.page.locator(".q-welcome")).to_be_visible()

    def _dismiss(self, dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def ask(self, question: str) -> None:
        box = self.page.get_by_label("Question")
        box.fill(question)
        box.press("Enter")
        expect(self.page.locator(".q-question").last).to_have_text(question)

    def ask_to_the_end(self, question: str) -> None:
        self.ask(question)
        expect(self.page.locator(".q-numbers, .q-error").last).to_be_visible()
        expect(self.page.locator('[aria-busy="true"]')).to_have_count(0)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        yield from _launched(playwright, path)


def _launched(playwright: Playwright, path: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def scripts() -> dict[str, Script]:
    """What the assistant answers, by question; a test puts its own in."""
    return {}


@pytest.fixture(scope="session")
def assistant(scripts: dict[str, Script]) -> ScriptedAssistant:
    texts = {"guide": GUIDE, "report": REPORT, "evil": HOSTILE}
    names = {"guide": "guide.md", "report": "report_2022.pdf", "evil": HOSTILE_NAME}
    return ScriptedAssistant(texts, names, scripts.__getitem__)


@pytest.fixture(scope="session")
def url(chromium: Browser, assistant: ScriptedAssistant) -> Iterator[str]:
    examples = ("How does copying work?", "What were the net sales?")
    with running(assistant, port=0, title="Quoth", examples=examples) as address:
        yield address


@pytest.fixture
def visit(chromium: Browser, url: str) -> Iterator[Callable[[], Visit]]:
    """Opens the page as a new visitor; in the end: no dialog, no error, no call elsewhere."""
    visits: list[tuple[BrowserContext, Visit]] = []

    def arrive(**options: object) -> Visit:
        context = chromium.new_context(**{"viewport": WINDOW, **options})
        context.set_default_timeout(PATIENCE_MS)
        visits.append((context, Visit(context, url)))
        return visits[-1][1]

    yield arrive
    for context, made in visits:
        context.close()
        assert made.dialogs == []
        assert made.errors == []
        away = [one for one in made.requests if not one.startswith((url, "data:", "blob:"))]
        assert away == []
