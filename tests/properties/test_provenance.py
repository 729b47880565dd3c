"""Copied spans are true, ordered, disjoint and maximal, whatever origins are claimed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.scripted_model import saying
from helpers.tiny_model import tiny_llama
from quoth.decoding import CopiedSpan, Decoder, Origin, Reference
from quoth.decoding.provenance import CopyTracker

few_tokens = st.lists(st.integers(0, 5), max_size=25)
claims = st.one_of(
    st.none(),
    st.builds(
        Origin,
        source=st.sampled_from(["reference", "prompt", "output"]),
        reference_id=st.sampled_from(["a", "b", "nobody", None]),
        position=st.integers(-3, 30),
    ),
)


def assert_sound(
    spans: list[CopiedSpan], output: list[int], references: dict[str, list[int]]
) -> None:
    free = 0
    for span in spans:
        source = references[span.reference_id]
        length, end = span.end - span.start, span.reference_start + span.end - span.start
        assert span.start >= free
        assert length > 0
        assert output[span.start : span.end] == source[span.reference_start : end]
        before = span.start > free and span.reference_start > 0
        assert not before or output[span.start - 1] != source[span.reference_start - 1]
        after = span.end < len(output) and end < len(source)
        assert not after or output[span.end] != source[end]
        free = span.end


@settings(deadline=None)
@given(few_tokens, few_tokens, few_tokens, st.lists(claims, min_size=25, max_size=25))
def test_spans_are_sound_whatever_is_claimed(
    output: list[int], first: list[int], second: list[int], origins: list[Origin | None]
) -> None:
    references = {"a": first, "b": second}
    tracker = CopyTracker([Reference("a", first), Reference("b", second)])
    ended = [
        tracker.push(token, origin, "d") for token, origin in zip(output, origins, strict=False)
    ]
    spans = [span for span in [*ended, tracker.close()] if span is not None]
    assert_sound(spans, output, references)
    true_claims = [
        index
        for index, origin in enumerate(origins[: len(output)])
        if origin is not None
        and origin.source == "reference"
        and 0 <= origin.position < len(references.get(origin.reference_id or "", []))
        and references[origin.reference_id or ""][origin.position] == output[index]
    ]
    for index in true_claims:
        assert any(span.start <= index < span.end for span in spans)


def spans_of(
    output: list[int], claim: Origin, references: dict[str, list[int]]
) -> list[CopiedSpan]:
    """The spans if the first token comes with a claim and all others are the model's own."""
    tracker = CopyTracker([Reference(name, source) for name, source in references.items()])
    ended = [
        tracker.push(token, None if index else claim, "d") for index, token in enumerate(output)
    ]
    return [span for span in [*ended, tracker.close()] if span is not None]


def test_a_copy_whose_beginning_also_stands_elsewhere_is_one_span() -> None:
    sources = {"a": [1, 2, 3, 9, 9], "b": [7, 1, 2, 3, 4, 5, 8]}
    claim = Origin(source="reference", reference_id="a", position=0)
    (span,) = spans_of([1, 2, 3, 4, 5], claim, sources)
    assert (span.reference_id, span.reference_start, span.start, span.end) == ("b", 1, 0, 5)


def test_a_copy_stays_in_its_reference_if_that_holds_it_too() -> None:
    sources = {"b": [1, 2, 3], "a": [1, 2, 9, 1, 2, 3]}
    claim = Origin(source="reference", reference_id="a", position=0)
    (span,) = spans_of([1, 2, 3], claim, sources)
    assert (span.reference_id, span.reference_start) == ("a", 3)


def test_a_copy_that_moves_reaches_back_as_far_as_the_texts_are_equal() -> None:
    tracker = CopyTracker([Reference("a", [1, 2, 9]), Reference("b", [6, 1, 2, 3])])
    pushed = [
        tracker.push(6, None, "d"),
        tracker.push(1, Origin(source="reference", reference_id="a", position=0), "d"),
        tracker.push(2, None, "d"),
        tracker.push(3, None, "d"),
    ]
    span = tracker.close()
    assert pushed == [None] * 4
    assert span is not None
    assert (span.reference_id, span.reference_start, span.start, span.end) == ("b", 0, 0, 4)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 63), min_size=4, max_size=60),
    st.lists(st.integers(0, 63), max_size=40),
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30)), min_size=1, max_size=4),
)
def test_spans_of_a_model_that_quotes_are_sound(
    first: list[int], second: list[int], quotes: list[tuple[int, int]]
) -> None:
    references = {"a": first, "b": second}
    script = [token for start, length in quotes for token in [0, *first[start : start + length]]]
    prompt = [1, 2, *second, 3]
    generation = Decoder(tiny_llama()).generate(
        prompt,
        [Reference("a", first), Reference("b", second)],
        max_new_tokens=len(script),
        logits_processor=saying(prompt, script),
    )
    assert list(generation.token_ids) == script
    assert_sound(list(generation.copied), script, references)
