"""Turns are kept apart by conversation, and the number of both is bounded."""

from quoth.app.conversations import MAX_TURNS, Conversations


def test_turns_come_back_in_order_and_only_in_their_conversation():
    conversations = Conversations()
    one, two = conversations.start(), conversations.start()
    first = conversations.add(one, "user", "hello")
    second = conversations.add(one, "assistant", "hi")
    assert conversations.turns(one) == (first, second)
    assert conversations.turns(two) == ()
    assert conversations.find(second.id) == second
    assert conversations.find("nobody") is None


def test_the_least_recently_used_conversation_is_forgotten():
    conversations = Conversations(max_conversations=2)
    one, two = conversations.start(), conversations.start()
    conversations.add(two, "user", "b")
    conversations.add(one, "user", "a")
    conversations.start()
    assert conversations.turns(two) == ()
    assert len(conversations.turns(one)) == 1


def test_a_long_conversation_loses_its_oldest_turns():
    conversations = Conversations()
    one = conversations.start()
    for number in range(MAX_TURNS + 3):
        conversations.add(one, "user", str(number))
    assert conversations.turns(one)[0].text == "3"
