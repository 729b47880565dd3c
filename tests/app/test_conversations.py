"""Turns are kept apart by conversation, and the number of both is bounded."""

from quoth.app.conversations import MAX_TURNS, Conversations


def test_turns_come_back_in_order_and_only_in_their_conversation():
    conversations = Conversations()
    one, two = conversations.start(), conversations.start()
    answer = conversations.add(one, "hello", "hi")
    assert [(turn.role, turn.text) for turn in conversations.turns(one)] == [
        ("user", "hello"),
        ("assistant", "hi"),
    ]
    assert conversations.turns(two) == ()
    assert conversations.find(answer.id) == answer
    assert conversations.find("nobody") is None


def test_a_question_without_an_answer_is_no_part_of_the_conversation():
    conversations = Conversations()
    one = conversations.start()
    answer = conversations.add(one, "hello", " \n")
    assert conversations.turns(one) == ()
    assert conversations.find(answer.id) is None


def test_the_least_recently_used_conversation_is_forgotten():
    conversations = Conversations(max_conversations=2)
    one, two = conversations.start(), conversations.start()
    gone = conversations.add(two, "b", "B")
    conversations.add(one, "a", "A")
    conversations.start()
    assert conversations.turns(two) == ()
    assert conversations.find(gone.id) is None
    assert len(conversations.turns(one)) == 2


def test_a_long_conversation_loses_its_oldest_turns():
    conversations = Conversations()
    one = conversations.start()
    answers = [conversations.add(one, f"q{n}", f"a{n}") for n in range(MAX_TURNS // 2 + 3)]
    assert len(conversations.turns(one)) == MAX_TURNS
    assert conversations.turns(one)[0].text == "q3"
    assert conversations.find(answers[0].id) is None
