"""The documents of an index as people handle them: listed, uploaded, and taken out again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quoth.app.uploads import discard_upload, is_upload, store_uploads
from quoth.errors import InputError
from quoth.retrieval import DocumentStatus, Index, Progress, SyncReport


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionDocument:
    """One document of the index. An upload is a copy of the index's own, and can be removed."""

    document_id: str
    document: str  # name or path as the user knows it
    num_passages: int
    num_pages: int | None  # None where the format has none
    is_upload: bool


class Collection:
    """What an index holds, and what goes into it from elsewhere than its folders."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def documents(self) -> tuple[CollectionDocument, ...]:
        """What the index holds."""
        return tuple(
            CollectionDocument(
                document_id=one.document_id,
                document=one.document,
                num_passages=one.num_passages,
                num_pages=one.num_pages,
                is_upload=bool(self._uploads(one)),
            )
            for one in self._index.documents()
        )

    def add(
        self, files: Sequence[Path], names: Sequence[str], progress: Progress | None = None
    ) -> SyncReport:
        """Take in uploaded files; they are copied, and shown under their (cleaned) names."""
        folder = self._index.path
        report = self._index.sync(store_uploads(folder, files, names), progress=progress)
        for skipped in report.skipped:
            discard_upload(folder, skipped.path)
        return report

    def remove(self, document_id: str) -> None:
        """Take an uploaded document out, and delete the copy.

        Documents from the user's own folders stay: the next sync would bring them back. So does
        one that was uploaded, too.

        Raises:
            InputError: There is no such document, or it was not uploaded.
            IndexBusyError: Another process is writing to the index.
        """
        held = {one.document_id: one for one in self._index.documents()}
        uploads = self._uploads(held[document_id]) if document_id in held else []
        if not uploads:
            raise InputError(
                f"No uploaded document is called {document_id!r}. Documents from folders are taken "
                "out with: quoth index remove"
            )
        for path in uploads:
            self._index.remove(document_id, path=path)
            discard_upload(self._index.path, path)

    def _uploads(self, document: DocumentStatus) -> list[Path]:
        """The files of a document that are uploads; others with the same bytes may be none."""
        paths = (document.path, *document.copy_paths)
        return [path for path in paths if is_upload(self._index.path, path)]
