"""Documents put straight into a store, one passage for each paragraph."""

from collections.abc import Sequence

import numpy as np

from quoth.retrieval import HashingEmbedder
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.preparing import text_digest
from quoth.retrieval.records import DocumentRecord, PassageRecord, TextRecord


def store_document(
    store: DocStore, document_id: str, paragraphs: Sequence[str], *, name: str = ""
) -> None:
    """Put a document in, or in the place of its former version."""
    text = "\n\n".join(paragraphs)
    document = DocumentRecord(
        id=document_id,
        name=name or f"{document_id}.txt",
        path=name or f"{document_id}.txt",
        format="text",
        title="",
        content_sha256=text_digest(text),
        text_sha256=text_digest(text),
        recipe="",
        num_bytes=len(text),
        num_chars=len(text),
        page_starts=(),
    )
    passages, start = [], 0
    for paragraph in paragraphs:
        [vector] = HashingEmbedder(dim=16).embed([paragraph])
        passages.append(
            PassageRecord(
                document_id=document_id,
                start=start,
                end=start + len(paragraph),
                page=None,
                end_page=None,
                heading="",
                vector_key=text_digest(paragraph).encode(),
                vector=np.asarray(vector, dtype="<f4").tobytes(),
            )
        )
        start += len(paragraph) + 2
    store.replace(document, TextRecord(text=text), passages)
