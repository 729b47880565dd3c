"""The documents of an index as people handle them: listed, and uploaded."""

from collections.abc import Sequence
from pathlib import Path

from quoth.app.uploads import discard_upload, store_uploads
from quoth.retrieval import DocumentStatus, Index, Progress, SyncReport


class Library:
    """What an index holds, and what goes into it from elsewhere than its folders."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def documents(self) -> tuple[DocumentStatus, ...]:
        """What the index holds."""
        return self._index.documents()

    def add(
        self, files: Sequence[Path], names: Sequence[str], progress: Progress | None = None
    ) -> SyncReport:
        """Take in uploaded files; they are copied, and shown under their (cleaned) names."""
        folder = self._index.path
        report = self._index.sync(store_uploads(folder, files, names), progress=progress)
        for skipped in report.skipped:
            discard_upload(folder, skipped.path)
        return report
