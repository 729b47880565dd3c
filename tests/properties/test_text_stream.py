"""Pieces of text add up to the decoding of the whole, and no piece holds half a character."""

from functools import lru_cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from helpers.byte_tokenizers import PieceTokenizer, fallback_tokenizer, trained_tokenizer
from quoth.decoding.stopping import StopRule, StopStrings
from quoth.decoding.text_stream import TextStream

SAMPLE = "The quick brown fox 🦊 jumps over the lazy dog; naïve cafés, 漢字 and e\u0301 too. "
texts = st.text(
    st.one_of(
        st.sampled_from("the quick brown .\n"),
        st.sampled_from("😀👩‍👩‍👧é漢e\u0301\u200d🏳️‍🌈ñ\u0308"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)


@lru_cache
def tokenizer() -> PreTrainedTokenizerFast:
    return trained_tokenizer([SAMPLE * 3])


def pieces(stream: TextStream, token_ids: list[int], sizes: list[int]) -> list[str]:
    """The stream's pieces, for tokens that come in bursts of the given sizes."""
    found, at = [], 0
    for size in [*sizes, len(token_ids)]:
        found.append(stream.push(token_ids[at : at + size]))
        at += size
    return [*found, stream.flush()]


@lru_cache
def fallback() -> PreTrainedTokenizerFast:
    return fallback_tokenizer()


bursts = st.lists(st.integers(1, 5), max_size=80)


@settings(max_examples=200, deadline=None)
@given(texts, bursts)
def test_pieces_of_real_text_add_up_to_it(text: str, sizes: list[int]) -> None:
    token_ids = tokenizer()(text).input_ids
    found = pieces(TextStream(tokenizer()), token_ids, sizes)
    assert "".join(found) == text
    assert "\ufffd" in text or not any("\ufffd" in piece for piece in found)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=60), bursts)
def test_pieces_of_any_tokens_add_up_to_the_decoding_of_the_whole(
    token_ids: list[int], sizes: list[int]
) -> None:
    whole = tokenizer().decode(token_ids, skip_special_tokens=True)
    assert "".join(pieces(TextStream(tokenizer()), token_ids, sizes)) == whole


@settings(deadline=None)
@given(st.lists(st.integers(0, 63), max_size=60), bursts)
def test_no_piece_is_taken_back(token_ids: list[int], sizes: list[int]) -> None:
    whole = PieceTokenizer().decode(token_ids)
    found = pieces(TextStream(PieceTokenizer()), token_ids, sizes)
    assert "".join(found) == whole


@settings(max_examples=200, deadline=None)
@given(texts, bursts)
def test_text_that_falls_back_to_bytes_reads_the_same_in_any_bursts(
    text: str, sizes: list[int]
) -> None:
    token_ids = fallback()(text).input_ids
    found = pieces(TextStream(fallback()), token_ids, sizes)
    assert "".join(found) == text == fallback().decode(token_ids)
    assert "\ufffd" in text or not any("\ufffd" in piece for piece in found)


fallback_ids = st.lists(
    st.one_of(
        st.integers(0, 270),  # also ids that nobody knows
        st.sampled_from([2 + byte for byte in "🦜龘".encode()]),
        st.integers(258, 268),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(fallback_ids, bursts)
def test_any_bytes_read_the_same_in_any_bursts(token_ids: list[int], sizes: list[int]) -> None:
    """Also bytes that are no text: one bad byte spoils the whole run of bytes it stands in."""
    whole = fallback().decode(token_ids, skip_special_tokens=True)
    assert "".join(pieces(TextStream(fallback()), token_ids, sizes)) == whole


def test_a_character_of_several_bytes_is_shown_once_it_is_whole() -> None:
    stream = TextStream(fallback())
    assert [stream.push([token]) for token in fallback()("a 🦜a").input_ids] == [
        "a", "", "", "", "", "", " 🦜a",
    ]  # fmt: skip


def test_a_special_token_does_not_end_a_run_of_bytes() -> None:
    token_ids = [2 + 0xC3, 1, 2 + 0xA9, 1]
    found = pieces(TextStream(fallback()), token_ids, [1, 1, 1, 1])
    assert found == ["", "", "", "", "", "é"]


def test_real_byte_fallback_reads_the_same_token_by_token(shared_data: Path) -> None:
    llama = PreTrainedTokenizerFast(
        tokenizer_file=str(shared_data / "tokenizers" / "llama2_tokenizer.json")
    )
    text = "Ravens fly 🦜🦊 home 漢字龘 now."
    token_ids = llama(text, add_special_tokens=False).input_ids
    assert "".join(pieces(TextStream(llama), token_ids, [1] * len(token_ids))) == text


@settings(deadline=None)
@given(st.text("abc", max_size=40), st.lists(st.text("abc", min_size=1, max_size=4), max_size=3))
def test_text_ends_before_the_first_stop_string_to_be_complete(text: str, stops: list[str]) -> None:
    """Letter by letter: the string that is complete first wins, not the one that begins first."""
    ends = {text.find(stop) + len(stop): text.find(stop) for stop in stops if stop in text}
    guard = StopStrings(stops)
    shown = "".join(guard.push(letter) for letter in text) + guard.flush()
    if not ends:
        assert shown == text
        assert not guard.found
    else:
        first = min(ends)
        starts = [text.find(stop) for stop in stops if text.find(stop) + len(stop) == first]
        assert shown == text[: min(start for start in starts if start >= 0)]
        assert guard.found


@settings(deadline=None)
@given(st.text("abcd", max_size=30), st.sampled_from([("abc",), ("bca", "dd"), ("aaaa",)]))
def test_nothing_is_held_back_that_cannot_become_a_stop_string(
    text: str, stops: tuple[str, ...]
) -> None:
    guard = StopStrings(stops)
    shown = "".join(guard.push(letter) for letter in text)
    if not guard.found:
        held = text[len(shown) :]
        assert held == "" or any(stop.startswith(held) for stop in stops)


def test_a_stop_string_across_token_borders_is_never_shown_in_part() -> None:
    rule = StopRule(
        eos_token_ids=frozenset(), max_tokens=99, stop=(" the end",), text=TextStream(tokenizer())
    )
    shown = []
    for token in tokenizer()("This is the end of it").input_ids:
        done = rule.ends(token)
        shown.append(rule.take_text())
        if done:
            break
    assert rule.finish_reason == "stop"
    assert "".join(shown) == "This is"
