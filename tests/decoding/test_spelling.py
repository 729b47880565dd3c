"""Which tokens count as spelt alike."""

from quoth.decoding.drafting.spelling import spelling_classes


class Words:
    def __init__(self, *written: str) -> None:
        self._written = written

    def get_vocab(self) -> dict[str, int]:
        return {word: token for token, word in enumerate(self._written)}


def test_case_and_the_space_before_make_no_difference() -> None:
    words = Words("Tea", "Ġtea", "▁TEA", "teas", "coffee", "Ġ", "ĠĠ", "<s>")
    assert spelling_classes(words).tolist() == [0, 0, 0, 3, 4, 5, 6, 7]


def test_ids_without_a_token_are_classes_of_their_own() -> None:
    class Gaps:
        def get_vocab(self) -> dict[str, int]:
            return {"a": 0, "A": 3}

    assert spelling_classes(Gaps()).tolist() == [0, 1, 2, 0]


def test_an_empty_vocabulary_has_no_classes() -> None:
    assert spelling_classes(Words()).tolist() == []
