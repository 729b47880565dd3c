"""Adding and removing documents, as a visitor's clicks arrive: with anything in them."""

import pytest

from helpers.scripted_assistant import ScriptedAssistant, ScriptedCollection
from quoth.app.ui.sessions import Chat
from quoth.errors import IndexBusyError


@pytest.fixture
def chat():
    texts = {"guide": "Ravens fly.", "upload-1": "The moon has no air."}
    return Chat(
        ScriptedAssistant(texts, {"guide": "guide.md", "upload-1": "moon.md"}, lambda _: ())
    )


def named(chat):
    return [one.document for one in chat.assistant.collection.documents()]


def test_an_uploaded_document_is_removed_by_its_id(chat):
    (line,) = chat.remove_document("upload-1")
    assert (line.name, line.message) == ("moon.md", "removed")
    assert named(chat) == ["guide.md"]
    assert chat.remove_document("upload-1") == []


@pytest.mark.parametrize("sent", ["guide", "moon.md", "../../x", "", None, 1, ["upload-1"], {}])
def test_nothing_else_is_removed_whatever_a_browser_sends(chat, sent):
    assert chat.remove_document(sent) == []
    assert named(chat) == ["guide.md", "moon.md"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (IndexBusyError("Another process is writing."), "not removed: Another process is writing."),
        (
            RuntimeError("secret"),
            "not removed because of a fault in the program. The log says more.",
        ),
    ],
)
def test_what_could_not_be_removed_is_told(chat, error, message, monkeypatch):
    def fail(collection, document_id):
        raise error

    monkeypatch.setattr(ScriptedCollection, "remove", fail)
    (line,) = chat.remove_document("upload-1")
    assert (line.name, line.message, line.kind) == ("moon.md", message, "skipped")
