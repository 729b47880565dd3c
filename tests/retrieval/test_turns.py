"""What is urgent waits for one piece of work, not for all of it."""

import threading

import pytest

from quoth.retrieval.turns import Turns


def test_urgent_work_goes_before_the_next_piece_of_patient_work() -> None:
    turns = Turns()
    log: list[str] = []
    first_piece = threading.Event()
    urgent_waits = threading.Event()

    def patient() -> None:
        for piece in range(50):
            with turns.patient():
                log.append(f"piece {piece}")
                if piece == 0:
                    first_piece.set()
                    urgent_waits.wait(10)
                    while not turns._next.locked():  # the urgent one is at the door
                        pass

    def urgent() -> None:
        first_piece.wait(10)
        urgent_waits.set()
        with turns.urgent():
            log.append("urgent")

    threads = [threading.Thread(target=patient), threading.Thread(target=urgent)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.index("urgent") == 1
    assert len(log) == 51


def test_one_at_a_time() -> None:
    turns = Turns()
    inside = 0
    most = 0

    def work(door) -> None:
        nonlocal inside, most
        for _ in range(300):
            with door():
                inside += 1
                most = max(most, inside)
                inside -= 1

    doors = [turns.patient, turns.urgent] * 2
    threads = [threading.Thread(target=work, args=(door,)) for door in doors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_failure_inside_opens_the_door_again() -> None:
    turns = Turns()
    for door in (turns.patient, turns.urgent):
        with pytest.raises(ZeroDivisionError), door():
            _ = 1 / 0
    with turns.patient():
        pass
