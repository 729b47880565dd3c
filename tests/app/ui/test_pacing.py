from threading import Event

import pytest

from quoth.app.ui.pacing import paced


def test_few_of_many_states_pass_and_always_the_last():
    states = list(paced((number for number in range(20_000)), frame_s=10))
    assert len(states) < 20
    assert states == sorted(states)
    assert states[-1] == 19_999


def test_the_last_state_before_a_pause_is_not_held_back():
    go_on = Event()

    def pausing():
        yield "first"
        yield "last before the pause"
        assert go_on.wait(30)
        yield "end"

    seen = []
    for state in paced(pausing(), frame_s=0.01):
        seen.append(state)
        if state == "last before the pause":
            go_on.set()
    assert seen[-2:] == ["last before the pause", "end"]


def test_no_states_give_none():
    assert list(paced((one for one in ()), frame_s=0.01)) == []


def test_an_error_comes_out_where_the_states_are_taken():
    def failing():
        yield 1
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        list(paced(failing(), frame_s=0))


def test_leaving_early_closes_the_states():
    closed = Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    taking = paced(endless(), frame_s=0.01)
    next(taking)
    taking.close()
    assert closed.wait(30)
