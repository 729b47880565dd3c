import pytest

from helpers.scripted_assistant import Copy, Own, ScriptedAssistant
from quoth.app.ui.conversations import ChatSession
from quoth.app.ui.sessions import Chat

SHARED = "the same words stand here"
TEXTS = {"a": f"Alpha. {SHARED}. End of alpha.", "b": f"Beta. {SHARED}. " + "More. " * 9}


@pytest.fixture
def chat() -> Chat:
    script = [Own("So: "), Copy(SHARED, "a"), Own(" and "), Copy("earlier words", "t1")]
    assistant = ScriptedAssistant(dict(TEXTS), {"a": "alpha.md", "b": "beta.pdf"}, lambda _: script)
    assistant.turns["t1"] = ("You", "These are earlier words of mine.")
    return Chat(assistant)


@pytest.fixture
def session(chat) -> ChatSession:
    session = ChatSession()
    session.ask("What stands where?")
    list(chat.answer(session))
    return session


def test_a_quote_opens_in_its_document_with_the_copied_range_marked(chat, session):
    panel = chat.open_place(session, "0-q0")
    assert f'<mark class="q-target" id="q-target">{SHARED}</mark>. End of alpha.' in panel
    assert "copied from" in panel
    assert "alpha.md" in panel
    assert "characters 8 to 32" in panel


def test_other_places_are_offered_and_open(chat, session):
    assert 'data-ref="0-q0-o0"><bdi>beta.pdf</bdi> page 1</button>' in chat.open_place(
        session, "0-q0"
    )
    panel = chat.open_place(session, "0-q0-o0")
    assert "also in" in panel
    assert "Beta. <mark" in panel
    assert "page 1, characters" in panel


def test_a_turn_opens_with_its_text(chat, session):
    panel = chat.open_place(session, "0-q1")
    assert "These are <mark" in panel
    assert '<bdi class="q-name">You</bdi>' in panel
    assert "page" not in panel


def test_a_passage_that_was_not_used_opens_too(chat, session):
    panel = chat.open_place(session, "0-p1")
    assert "given to the model from" in panel
    assert "beta.pdf" in panel


@pytest.mark.parametrize(
    "ref",
    ["1-q0", "0-q9", "0-p9", "0-q0-o9", "0-p0-o0", "", "a", "0-q0\n", "-1-q0", "٠-q0", None, 7, {}],
)
def test_what_does_not_exist_opens_nothing(chat, session, ref):
    assert chat.open_place(session, ref) == ""


def test_a_visitor_cannot_open_what_stands_in_another_conversation(chat, session):
    assert chat.open_place(ChatSession(), "0-q0") == ""


def test_a_source_that_has_gone_is_one_clear_line(chat, session):
    del chat.assistant.texts["a"]
    panel = chat.open_place(session, "0-q0")
    assert "There is no source &#x27;a&#x27;." in panel
    assert 'role="alert"' in panel


@pytest.mark.parametrize("ref", ["0-q0", "0-q0-o0", "0-p0", "0-p1"])
@pytest.mark.parametrize("text", ["Other words of the same document. " * 9, "Short.", ""])
def test_a_source_that_has_changed_marks_no_other_words(chat, session, ref, text):
    chat.assistant.texts.update(a=text, b=text)
    panel = chat.open_place(session, ref)
    assert "The source has changed since; this text is no longer there." in panel
    assert "<mark" not in panel
    assert 'role="alert"' in panel
