"""The assistant with its real parts: index, embedder, the packaged model, the decoder."""

import threading
from dataclasses import replace

import pytest

from quoth import Assistant, Settings
from quoth.app.events import Cited, Done, Retrieved, Text
from quoth.errors import ContextOverflowError, InputError
from quoth.retrieval import Filters

DOCUMENTS = {
    "warranty.md": (
        "# Warranty\n\nThe warranty of the Corvid 3 lasts twenty-four months from the day of "
        "purchase. Batteries are covered for six months only.\n\n## Claims\n\nTo make a claim, "
        "send the receipt and a photograph to the service desk. We answer within ten days.\n"
    ),
    "ravens.txt": (
        "Ravens build their nests on cliffs and in tall trees. The young leave the nest after "
        "about six weeks. A raven can live for more than twenty years in the wild.\n"
    ),
    "storage.rst": (
        "Storage\n=======\n\nVectors are stored in a FAISS file. The canonical text of each "
        "document is stored in a SQLite database. Both lie in one folder.\n"
    ),
}
QUESTION = "How long does the warranty of the Corvid 3 last?"


@pytest.fixture(scope="module")
def assistant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    settings = Settings(index_path=tmp_path_factory.mktemp("index") / "here")
    with Assistant.open(settings) as opened:
        opened.sync([folder])
        yield opened


def test_the_events_come_in_order_and_add_up_to_the_answer(assistant):
    events = list(assistant.stream(QUESTION))
    assert isinstance(events[0], Retrieved)
    assert isinstance(events[-1], Done)
    answer = events[-1].answer
    assert "".join(event.text for event in events if isinstance(event, Text)) == answer.text
    cited = [event.citation for event in events if isinstance(event, Cited)]
    assert cited == [c for c in answer.citations if c.origin == "copied"]
    assert answer.passages == events[0].passages


def test_an_answer_is_copied_and_every_citation_equals_its_source(assistant):
    answer = assistant.ask(QUESTION)
    assert answer.citations
    for citation in answer.citations:
        source = assistant.source_text(citation.source_id)
        quoted = source[citation.source_start : citation.source_end]
        assert quoted == answer.text[citation.start : citation.end]
        assert citation.document in DOCUMENTS
    assert 0 < answer.stats.copied_share <= answer.coverage <= 1


def test_plain_decoding_gives_the_same_answer_in_more_passes(assistant):
    drafted = assistant.ask(QUESTION)
    plain = replaced(assistant, drafting="none").ask(QUESTION)
    assert plain.text == drafted.text
    assert plain.stats.tokens == drafted.stats.tokens
    assert plain.stats.forward_passes > drafted.stats.forward_passes


def test_a_seeded_sample_is_the_same_with_and_without_drafting(assistant):
    texts = {
        replaced(assistant, drafting=drafting, temperature=0.8, seed=seed).ask(QUESTION).text
        for seed in (3,)
        for drafting in ("none", "auto")
    }
    assert len(texts) == 1


def test_earlier_turns_are_sources_and_follow_ups_find_their_documents(assistant):
    conversation = assistant.new_conversation()
    first = assistant.ask(QUESTION, conversation)
    second = assistant.ask("And the batteries?", conversation)
    assert first.conversation_id == second.conversation_id == conversation
    assert "warranty.md" in {scored.passage.document for scored in second.passages}
    assert assistant.source_text(first.turn_id) == first.text
    assert assistant.page_at(first.turn_id, 0) is None


def test_an_answer_that_is_stopped_leaves_the_assistant_free_and_the_turn_kept(assistant):
    conversation = assistant.new_conversation()
    events = assistant.stream(QUESTION, conversation)
    for event in events:
        if isinstance(event, Text):
            break
    events.close()
    assert assistant.ask("How old can a raven get?", conversation).text


def test_two_threads_get_their_own_answers(assistant):
    questions = [QUESTION, "Where do ravens build their nests?"]
    alone = [assistant.ask(question).text for question in questions]
    answers = {}

    def ask(question):
        answers[question] = assistant.ask(question).text

    threads = [threading.Thread(target=ask, args=(question,)) for question in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert [answers[question] for question in questions] == alone


def test_an_answer_that_is_cut_off_says_so(assistant):
    whole = assistant.ask(QUESTION)
    assert (whole.notices, whole.is_cut_off) == ((), False)
    answer = replaced(assistant, max_new_tokens=4).ask(QUESTION)
    assert "cut off at 4 tokens" in answer.notices[0]
    assert answer.is_cut_off


def test_a_conversation_can_begin_with_earlier_exchanges(assistant):
    conversation = assistant.new_conversation()
    answer = assistant.ask(QUESTION, conversation)
    again = assistant.new_conversation([(QUESTION, answer.text)])
    follow_up = "And how many batteries?"
    assert assistant.ask(follow_up, again).text == assistant.ask(follow_up, conversation).text
    alone = assistant.ask(follow_up)
    assert assistant.ask(follow_up, again).stats.prompt_tokens > alone.stats.prompt_tokens


@pytest.mark.parametrize(("question", "problem"), [("  \n", "empty"), ("x" * 5000, "5000")])
def test_a_bad_question_is_told(assistant, question, problem):
    with pytest.raises(InputError, match=problem):
        assistant.ask(question)


def test_a_question_beyond_the_window_is_told_and_the_next_one_works(assistant):
    with pytest.raises(ContextOverflowError, match="lower max_new_tokens") as caught:
        replaced(assistant, max_question_chars=100_000).ask("why and how " * 4000)
    assert "--" not in str(caught.value)
    assert assistant.ask(QUESTION).text


def test_an_empty_index_is_told(tmp_path, assistant):
    settings = Settings(index_path=tmp_path / "empty")
    with Assistant.open(settings) as empty, pytest.raises(InputError, match="holds no documents"):
        empty.ask(QUESTION)


def test_only_documents_that_pass_the_filters_answer(assistant):
    answer = assistant.ask(QUESTION, filters=Filters(formats=("txt",)))
    assert {scored.passage.document for scored in answer.passages} == {"ravens.txt"}
    with pytest.raises(InputError, match="passes the filters"):
        assistant.ask(QUESTION, filters=Filters(tags=("none",)))


def test_the_mode_of_the_search_is_a_setting(assistant):
    words = replaced(assistant, mode="lexical").ask("FAISS")
    assert [scored.passage.document for scored in words.passages] == ["storage.rst"]
    with pytest.raises(InputError, match="holds a word of the question"):
        replaced(assistant, mode="lexical").ask("Xylophones?")


def test_uploads_are_added_under_their_names_and_nothing_else_goes(tmp_path, assistant):
    before = {document.document for document in assistant.collection.documents()}
    file = tmp_path / "blob"
    file.write_text("The moon has no air. Its dust is grey.\n", encoding="utf-8")
    report = assistant.collection.add([file], ["../../moon.txt"])
    assert report.passages == 1
    assert {document.document for document in assistant.collection.documents()} == before | {
        "moon.txt"
    }


def replaced(assistant, **changes):
    """The same index and model under other settings."""
    return Assistant(assistant.index, assistant.decoder, replace(assistant.settings, **changes))
