"""The list of indexed documents, and what became of files that were handed in or taken out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from quoth.app.ui.markup import Html, element
from quoth.app.ui.protocol import AddReport, ChatSettings, DocumentLine
from quoth.app.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLine:
    """One file that was handed in or taken out, and what became of it."""

    name: str
    message: str
    kind: Literal["working", "added", "skipped", "removed"]


def upload_line(name: str, report: AddReport) -> UploadLine:
    """What the report on this one file says."""
    if report.skipped:
        reason = report.skipped[0].reason
        return UploadLine(name=name, message=f"skipped: {reason}", kind="skipped")
    if report.unchanged:
        return UploadLine(name=name, message="was there already", kind="added")
    return UploadLine(
        name=name, message=f"added {counted(report.passages, 'passage')}", kind="added"
    )


def upload_list(lines: Sequence[UploadLine]) -> Html:
    """One line for each file."""
    items = (
        element(
            "li",
            element("bdi", line.name, class_="q-name"),
            " ",
            element("span", line.message, class_="q-outcome"),
            class_=f"is-{line.kind}",
        )
        for line in lines
    )
    return element("ul", *items, class_="q-uploads", role="status") if lines else Html()


def document_list(documents: Sequence[DocumentLine]) -> Html:
    """The documents, by name, with what each one gave."""
    if not documents:
        return element("p", "No documents yet. Add some to ask about them.", class_="q-empty")
    ordered = sorted(documents, key=lambda one: (one.document.casefold(), one.document_id))
    items = (
        element(
            "li",
            element("bdi", one.document, class_="q-name", title=one.document),
            element("span", _counts(one), class_="q-counts"),
            _remove(one) if one.is_upload else "",
        )
        for one in ordered
    )
    return element("ul", *items, class_="q-documents")


def described(settings: ChatSettings, documents: Sequence[DocumentLine]) -> Html:
    """The line that names the models and the index."""
    parts = (
        settings.model,
        settings.embedder,
        counted(len(documents), "document"),
        counted(sum(one.num_passages for one in documents), "passage"),
        str(settings.index_path),
    )
    return element(
        "p", *(element("span", element("bdi", part)) for part in parts), class_="q-about"
    )


def _remove(one: DocumentLine) -> Html:
    words = f"Remove {one.document}"
    return element(
        "button",
        "×",
        type="button",
        class_="q-remove",
        data_document=one.document_id,
        aria_label=words,
        title=words,
    )


def _counts(one: DocumentLine) -> str:
    passages = counted(one.num_passages, "passage")
    return f"{counted(one.num_pages, 'page')}, {passages}" if one.num_pages else passages
