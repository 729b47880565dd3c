"""Whether passages are found by the words they hold, and how to see to it."""

import sqlite3

from quoth.retrieval.database import Database
from quoth.retrieval.docstore import DocStore
from quoth.retrieval.lexical import fold, index_again, passage_terms
from quoth.retrieval.lexical_check import differing, fingerprint, stored_fingerprints

_ADVICE = "make it anew with: quoth index repair"


def lexical_problems(store: DocStore) -> list[str]:
    """Documents that are not found by the words they hold; passages found that are gone."""
    with store.database.snapshot() as connection:
        try:
            stored = stored_fingerprints(connection)
        except ValueError as error:
            return [f"the index of words cannot be read: {error}; {_ADVICE}"]
    problems = []
    for record in store.documents.all():
        text = store.documents.text(record.id) or ""
        expected = {
            passage.id: fingerprint(
                passage_terms(
                    record.title, record.name, passage.heading, text[passage.start : passage.end]
                )
            )
            for passage in store.passages.of(record.id)
        }
        held = {key: stored.pop(key) for key in expected if key in stored}
        if wrong := differing(expected, held):
            problems.append(
                f"{record.name}: {len(wrong)} of its passages are not found by their words; "
                f"{_ADVICE}"
            )
    if stored:
        problems.append(f"the index of words holds {len(stored)} passages too many; {_ADVICE}")
    return problems


def make_lexical_index(database: Database) -> None:
    """Index all passages again, in one transaction."""
    with database.change() as connection:
        for table in ("blocks", "lengths", "pending", "gone"):
            connection.execute(f"DELETE FROM lexical_{table}")
        index_again(connection, _with_text(connection))
        fold(connection)


def _with_text(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT d.id FROM documents d JOIN texts t ON t.document_id = d.id ORDER BY d.id"
    return [document_id for (document_id,) in connection.execute(query)]
