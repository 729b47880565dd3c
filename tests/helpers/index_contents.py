"""All that an index holds, as one value that can be compared."""

from dataclasses import replace

from quoth.retrieval import Index


def contents(index: Index) -> list[tuple]:
    """Documents, texts and passages with the bits of their vectors; without passage ids."""
    store = index._store
    held = []
    for record in sorted(store.documents.all(), key=lambda one: one.id):
        passages = [replace(passage, id=0) for passage in store.passages.of(record.id)]
        held.append((record, store.documents.text(record.id), passages))
    return held
