import contextlib
import copy
import threading

import pytest

from helpers.scripted_assistant import Copy, Own, Pause, ScriptedAssistant
from quoth.app.ui import conversations
from quoth.app.ui.conversations import ChatSession
from quoth.app.ui.exchanges import Exchange
from quoth.app.ui.sessions import Chat
from quoth.errors import InputError

TEXTS = {"a": "Alpha has many words to copy."}


def chat_of(*script) -> Chat:
    return Chat(ScriptedAssistant(dict(TEXTS), {"a": "alpha.md"}, lambda _: script))


def asked(question: str = "What?") -> ChatSession:
    session = ChatSession()
    assert session.ask(question)
    return session


def last(session: ChatSession):
    return session.conversation.exchanges[-1]


def test_an_answer_grows_and_ends_with_its_numbers():
    chat, session = chat_of(Own("So: "), pause := Pause(), Copy("many words", "a")), asked()
    states = []
    for _ in chat.answer(session):
        states.append((last(session).phase, last(session).text))
        if states[-1][1] == "So: ":
            pause.go_on.set()
    assert ("answering", "So: ") in states
    assert states[-1] == ("done", "So: many words")
    assert last(session).stats is not None


def test_copied_words_are_quotes_before_the_answer_is_done():
    chat, session = chat_of(Copy("many words", "a"), pause := Pause(), Own(" and on")), asked()
    for _ in chat.answer(session):
        if last(session).quotes:
            break
    assert last(session).phase == "answering"
    assert last(session).quotes[0].excerpt.copied == "many words"
    pause.go_on.set()


def test_an_error_is_one_line_and_the_question_and_the_words_so_far_stay():
    chat, session = chat_of(Own("First words"), InputError("The index is empty.")), asked("Why?")
    list(chat.answer(session))
    assert (last(session).question, last(session).text) == ("Why?", "First words")
    assert (last(session).phase, last(session).error) == ("failed", "The index is empty.")


def test_a_fault_in_the_program_is_logged_and_does_not_reach_the_page(caplog):
    chat, session = chat_of(RuntimeError("secret detail")), asked()
    list(chat.answer(session))
    assert last(session).phase == "failed"
    assert "secret" not in last(session).error
    assert "secret detail" in caplog.text


def test_after_an_error_the_conversation_goes_on():
    chat, session = chat_of(InputError("No.")), asked()
    list(chat.answer(session))
    assert session.ask("Again?")
    assert [one.question for one in session.conversation.exchanges] == ["What?", "Again?"]


def test_stop_ends_a_growing_answer_and_keeps_its_words():
    chat, session = chat_of(Own("one two"), pause := Pause(), Own(" three four")), asked()
    for _ in chat.answer(session):
        if last(session).text == "one two":
            session.stop()
            pause.go_on.set()
    assert last(session).phase == "stopped"
    assert last(session).text in {"one two", "one two three"}


def test_stop_before_the_turn_has_come_asks_nothing():
    chat, session = chat_of(Own("one")), asked()
    session.stop()
    assert list(chat.answer(session)) == []
    assert last(session).phase == "stopped"
    assert chat.assistant.asked == []


def test_the_next_question_can_be_put_while_the_stopped_answer_still_ends():
    chat, session = chat_of(Own("one"), pause := Pause(), Own(" two three")), asked()
    answering = chat.answer(session)
    for _ in answering:
        if last(session).text == "one":
            break
    session.stop()
    assert session.ask("Next?")
    pause.go_on.set()
    list(answering)
    list(chat.answer(session))
    assert [one.phase for one in session.conversation.exchanges] == ["stopped", "done"]


def test_a_stopped_conversation_takes_the_next_question():
    chat, session = chat_of(Own("one")), asked()
    session.stop()
    session.ask("Next?")
    list(chat.answer(session))
    assert last(session).phase == "done"


@pytest.mark.parametrize("question", ["", "  \n"])
def test_a_blank_question_is_not_asked(question):
    session = ChatSession()
    assert not session.ask(question)
    assert session.conversation.exchanges == []


def test_a_question_is_not_asked_while_one_is_being_answered():
    session = asked()
    assert not session.ask("Another?")


def test_one_conversation_keeps_its_id_and_a_new_one_gets_another():
    chat, session = chat_of(Own("one")), asked()
    list(chat.answer(session))
    session.ask("Second?")
    list(chat.answer(session))
    session.renew()
    session.ask("Third?")
    list(chat.answer(session))
    first, second, third = (conversation_id for _, conversation_id in chat.assistant.asked)
    assert first == second != third
    assert [one.question for one in session.conversation.exchanges] == ["Third?"]


def test_renewing_during_an_answer_leaves_the_new_conversation_empty():
    chat, session = chat_of(Own("one two"), pause := Pause(), Own(" three")), asked()
    for _ in chat.answer(session):
        if session.conversation.exchanges and last(session).text == "one two":
            session.renew()
            pause.go_on.set()
    assert session.conversation.exchanges == []


def test_questions_wait_in_line_and_see_how_many_are_ahead():
    chat = chat_of(Own("one"), pause := Pause())
    first, second, third = asked("1"), asked("2"), asked("3")
    answering = chat.answer(first)
    next(answering)
    assert pause.reached.wait(10)
    waiting = [chat.answer(second), chat.answer(third)]
    for line in waiting:
        next(line)
    assert (last(second).num_ahead, last(third).num_ahead) == (1, 2)
    pause.go_on.set()
    list(answering)
    list(waiting[0])
    list(waiting[1])
    assert [question for question, _ in chat.assistant.asked] == ["1", "2", "3"]


def test_a_visitor_who_leaves_makes_room():
    chat = chat_of(Own("one"), pause := Pause(), Own(" two three four"))
    first, second = asked("1"), asked("2")
    leaving = chat.answer(first)
    next(leaving)
    assert pause.reached.wait(10)
    waiting = chat.answer(second)
    next(waiting)
    leaving.close()
    pause.go_on.set()
    list(waiting)
    assert last(second).phase == "done"
    assert last(first).phase != "done"


@pytest.mark.parametrize("text", ["Alpha has other things to say, at length.", "Alpha."])
def test_a_source_that_changes_during_the_answer_is_not_quoted(text):
    chat, session = chat_of(Copy("many words", "a", changed_to=text)), asked()
    list(chat.answer(session))
    assert last(session).phase == "done"
    assert [quote.excerpt for quote in last(session).quotes] == [None]


def test_of_two_clicks_at_once_only_one_asks(monkeypatch):
    both = threading.Barrier(2)

    def slow_exchange(**fields):
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.5)
        return Exchange(**fields)

    monkeypatch.setattr(conversations, "Exchange", slow_exchange)
    session, outcomes = ChatSession(), []
    clicks = [threading.Thread(target=lambda: outcomes.append(session.ask("q"))) for _ in range(2)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert sorted(outcomes) == [False, True]
    assert len(session.conversation.exchanges) == 1


def test_a_session_can_be_copied_for_each_visitor():
    copied = copy.deepcopy(session := ChatSession())
    assert copied.ask("q")
    assert session.conversation.exchanges == []


def test_a_question_that_finds_the_line_full_is_told_so():
    pause = Pause()
    assistant = ScriptedAssistant(dict(TEXTS), {"a": "alpha.md"}, lambda _: (Own("one"), pause))
    chat = Chat(assistant, longest_line=2)
    sessions = [asked(), asked(), asked()]
    answers = [chat.answer(session) for session in sessions]
    next(answers[0])
    assert pause.reached.wait(10)
    next(answers[1])
    list(answers[2])
    assert last(sessions[2]).phase == "failed"
    assert last(sessions[2]).error == (
        "Too many questions are waiting (2). Ask again in a few minutes."
    )
    assert sessions[2].ask("Again?")
    pause.go_on.set()
    list(answers[0])
    list(answers[1])
    assert last(sessions[1]).phase == "done"


def test_without_documents_the_page_says_where_to_add_some():
    chat, session = Chat(ScriptedAssistant({}, {}, lambda _: ())), asked()
    list(chat.answer(session))
    assert (last(session).phase, last(session).error) == (
        "failed", "Add documents on the left first.",
    )  # fmt: skip
    assert chat.assistant.asked == []
