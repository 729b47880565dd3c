"""Take `images/chat.png`: the chat over `guide`, with an answer and the passage it copies from.

The real assistant with the packaged model, in a headless Chromium; the index is made for it and
thrown away.
"""

import shutil
import sys
import tempfile
from contextlib import chdir
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from quoth.app.assistant import Assistant
from quoth.app.settings import Settings
from quoth.app.ui.serve import running

HERE = Path(__file__).resolve().parent
GUIDE = HERE / "guide"
IMAGE = HERE / "images" / "chat.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUESTION = "What happens to a PDF file that needs a password?"
WINDOW = ViewportSize(width=1360, height=860)
MAX_BYTES = 300_000
PATIENCE_MS = 120_000


def main() -> None:
    """Take the picture, or say what is missing."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        sys.exit(f"No browser found to take it with; looked for: {', '.join(BROWSERS)}.")
    question = sys.argv[1] if len(sys.argv) > 1 else QUESTION
    with tempfile.TemporaryDirectory() as folder, chdir(folder):  # the page shows the index's path
        settings = Settings(index_path=Path("indexes", "guide"))
        with Assistant.open(settings) as assistant, sync_playwright() as playwright:
            assistant.index.sync([GUIDE], root=GUIDE)
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            with running(assistant, port=0) as url:
                picture = taken(browser, url, question)
            browser.close()
    if len(picture) > MAX_BYTES:
        sys.exit(f"The picture has {len(picture)} bytes; at most {MAX_BYTES} are wanted.")
    IMAGE.parent.mkdir(exist_ok=True)
    IMAGE.write_bytes(picture)


def taken(browser: Browser, url: str, question: str) -> bytes:
    """The page as PNG, when the question is answered and its first copied words are clicked."""
    page = browser.new_page(viewport=WINDOW, color_scheme="light")
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    page.locator(".q-welcome").wait_for()
    page.get_by_label("Question").fill(question)
    page.keyboard.press("Enter")
    page.locator(".q-numbers").wait_for()
    page.locator(".q-quote.is-copied").first.click()
    page.locator("#q-panel .q-target").wait_for()
    page.mouse.move(WINDOW["width"] / 2, WINDOW["height"] * 0.6)  # so that no card covers it
    page.wait_for_timeout(500)  # what moves has come to rest
    return page.screenshot()


if __name__ == "__main__":
    main()
