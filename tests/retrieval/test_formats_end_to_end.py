"""A folder of many formats is synced; search finds the passage, its heading and its place."""

import json

import pytest

from helpers.epubs import chapter, make_epub
from helpers.folders import write_files
from helpers.notebooks import make_notebook
from quoth.retrieval import HashingEmbedder, Index
from quoth.types import location_between

FILLER = "Ordinary words that fill a passage until there is no room for more of them. " * 10
NAMES = ["Kraków", "Lisbon", "Oslo"]
RECORDS = [{"name": name, "text": f"{FILLER} The tram of {name}."} for name in NAMES]
BODY = f'x = "{FILLER}"'
FILES = {
    "index.py": (
        f"class Index:\n    def add(self):\n        {BODY}\n\n    def search(self):\n"
        f'        """Find zebras quickly."""\n        {BODY}\n'
    ),
    "records.json": json.dumps(RECORDS),
    "records.jsonl": "\n".join(
        json.dumps({"id": n, "text": f"Quarry {n}. {FILLER}"}) for n in "abc"
    ),
    "mail.eml": f"From: a@b.org\nSubject: Moving house\n\n{FILLER}\n\nThe piano goes first.\n",
    "work.ipynb": make_notebook(
        ("markdown", f"# Analysis\n\n{FILLER}"), ("code", "regress(yield_, rain)")
    ),
    "book.epub": make_epub(
        {
            "1.xhtml": chapter(f"<h1>Departure</h1><p>{FILLER}</p>"),
            "2.xhtml": chapter(f"<h1>Storm</h1><p>The mast broke at dawn.</p><p>{FILLER}</p>"),
        }
    ),
    "page.html": f"<nav>Menu</nav><main><h1>Visas</h1><p>Passports are needed.</p>{FILLER}</main>"
    "<footer>Passports needed? Imprint</footer>",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("formats")
    docs = write_files(folder / "docs", FILES)
    with Index.create(folder / "index", embedder=HashingEmbedder(1_024)) as made:
        report = made.sync([docs])
        assert (len(report.skipped), report.added) == (0, len(FILES))
        yield made


@pytest.mark.parametrize(
    ("query", "document", "heading", "words", "place"),
    [
        ("def search find zebras quickly", "index.py", "class Index > def search",
         "Find zebras quickly.", "line 6"),
        ("tram of Lisbon name Lisbon", "records.json", "Lisbon", "tram of Lisbon", "record 2"),
        ("id c Quarry c", "records.jsonl", "c", "Quarry c", "record 3"),
        ("piano goes first", "mail.eml", "Moving house", "The piano goes first.", "Moving house"),
        ("regress yield_ rain", "work.ipynb", "Analysis", "regress(yield_, rain)", "cell 2"),
        ("mast broke at dawn storm", "book.epub", "Storm", "mast broke", "chapter 2"),
        ("passports are needed visas", "page.html", "Visas", "Passports are needed.", "Visas"),
    ],
)  # fmt: skip
def test_search_finds_the_passage_with_its_heading_and_place(
    index: Index, query: str, document: str, heading: str, words: str, place: str
) -> None:
    [hit] = index.search(query, k=1)
    passage = hit.passage
    assert (passage.document, passage.heading) == (document, heading)
    start = passage.start + passage.text.index(words)
    end = start + len(words)
    assert index.text(passage.document_id)[start:end] == words
    assert location_between(passage.locations, start, end) == place
