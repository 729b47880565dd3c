"""Build `indexes/demo` again from `guide`: the index that is committed, for tests of its format.

Documents are known by their path below `guide`, so the index names no folder of this machine.
"""

import shutil
from pathlib import Path

from quoth.retrieval import Index, load_embedder

GUIDE = Path(__file__).resolve().parent / "guide"
DEMO = GUIDE.parents[1] / "indexes" / "demo"


def main() -> None:
    """Build the index and say what is in it."""
    shutil.rmtree(DEMO, ignore_errors=True)
    with Index.create(DEMO, embedder=load_embedder()) as index:
        report = index.sync([GUIDE], root=GUIDE)
    (DEMO / "writer.lock").unlink()
    print(f"{report.added} documents, {report.passages} passages in {DEMO}")  # noqa: T201 - a script


if __name__ == "__main__":
    main()
