"""Print `handbook.html` to `guide/handbook.pdf` with a headless Chromium.

The PDF is one of the demo documents: a real one, with pages, printed by a browser. The dates that
the browser writes into it are fixed, so that printing the same text gives the same file.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "handbook.html"
PRINTED = HERE / "guide" / "handbook.pdf"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
DATE = re.compile(rb"\(D:\d{14}([^)]*)\)")


def main() -> None:
    """Print the handbook, or say what is missing."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"No browser found to print with; looked for: {', '.join(BROWSERS)}.")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.pdf"
        options = ["--headless", "--disable-gpu", "--no-sandbox", "--no-pdf-header-footer"]
        profile = f"--user-data-dir={folder}/profile"
        command = [browser, *options, profile, f"--print-to-pdf={raw}", SOURCE.as_uri()]
        subprocess.run(command, check=True, timeout=120, capture_output=True)
        PRINTED.write_bytes(DATE.sub(rb"(D:20260101000000\1)", raw.read_bytes()))


if __name__ == "__main__":
    main()
