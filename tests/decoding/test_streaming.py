"""Streaming is the primitive: steps add up to the generation, early and in order."""

import threading

import pytest
import torch
from transformers import LogitsProcessor, LogitsProcessorList

from helpers.byte_tokenizers import PieceTokenizer, trained_tokenizer
from helpers.drafters import raising
from helpers.scripted_model import saying
from helpers.tiny_model import tiny_llama
from quoth.decoding import CopiedSpan, Decoder, Generation, Reference

SOURCE = [*range(10, 50)]


def test_steps_add_up_to_the_generation():
    decoder = Decoder(tiny_llama(), PieceTokenizer())
    prompt, references = [3, 1, 4], [Reference("a", SOURCE)]
    options = {"max_new_tokens": 60, "temperature": 1.2, "seed": 5, "stop": ["ab"]}
    steps = list(decoder.stream(prompt, references, **options))
    whole = decoder.generate(prompt, references, **options)
    assert tuple(token for step in steps for token in step.token_ids) == whole.token_ids
    assert "".join(step.text for step in steps) == whole.text
    assert tuple(span for step in steps for span in step.copied) == whole.copied
    assert [step.finish_reason for step in steps[:-1]] == [None] * (len(steps) - 1)
    assert steps[-1].finish_reason == whole.finish_reason
    assert all(step.token_ids for step in steps)
    assert [step.stats.forward_passes for step in steps] == list(range(len(steps)))


def test_a_copy_takes_far_fewer_passes_than_tokens_and_names_its_source():
    """The gain, with a model that is made to quote: 40 tokens in a handful of passes."""
    prompt, script = [1, 2, 3], [5, *SOURCE, 6, 7]
    generation = Decoder(tiny_llama()).generate(
        prompt,
        [Reference("other", [8, 9] * 20), Reference("source", SOURCE)],
        max_new_tokens=len(script),
        logits_processor=saying(prompt, script),
    )
    assert list(generation.token_ids) == script
    assert generation.stats.forward_passes <= 12
    assert generation.copied == (
        CopiedSpan(start=1, end=41, reference_id="source", reference_start=0, drafter="reference"),
    )
    counts = generation.stats.drafters
    assert sum(each.drafted for each in counts.values()) == generation.stats.drafted
    assert counts["reference"].accepted == generation.stats.accepted
    assert generation.stats.drafted < 2 * len(script)


def test_a_reference_inside_the_prompt_is_named_although_the_prompt_matches_longer():
    prompt = [60, 61, *SOURCE, 62, 63]
    script = [60, 61, *SOURCE[:20], 5]
    generation = Decoder(tiny_llama()).generate(
        prompt,
        [Reference("source", SOURCE)],
        max_new_tokens=len(script),
        logits_processor=saying(prompt, script),
    )
    assert [(span.start, span.end, span.reference_start) for span in generation.copied] == [
        (2, 22, 0)
    ]


def test_a_span_is_final_as_soon_as_the_copy_has_ended():
    prompt, script = [1, 2, 3], [*SOURCE, *[5, 6] * 10]
    steps = Decoder(tiny_llama()).stream(
        prompt,
        [Reference("source", SOURCE)],
        max_new_tokens=len(script),
        logits_processor=saying(prompt, script),
    )
    said = 0
    for step in steps:
        said += len(step.token_ids)
        if step.copied:
            break
    assert len(SOURCE) < said < len(script)


def test_the_text_of_an_eos_token_is_left_out():
    tokenizer = trained_tokenizer(["some text to learn from, and more of it"], size=300)
    script = tokenizer("some text").input_ids
    model = tiny_llama()
    decoder = Decoder(model, tokenizer)
    small = [token % 64 for token in script]
    generation = decoder.generate(
        [1], eos_token_ids=[small[-1]], logits_processor=saying([1], small)
    )
    assert generation.finish_reason == "eos"
    end = small.index(small[-1])
    assert list(generation.token_ids) == small[: end + 1]
    assert generation.text == tokenizer.decode(small[:end])


def test_a_stream_can_be_closed_early_and_the_decoder_used_again():
    decoder = Decoder(tiny_llama())
    stream = decoder.stream([1, 2], max_new_tokens=50)
    next(stream)
    stream.close()
    assert len(decoder.generate([1, 2], max_new_tokens=50).token_ids) == 50


def test_streams_do_not_disturb_each_other():
    decoder = Decoder(tiny_llama())
    prompts = [[1, 2, 3], [9, 8, 7]]
    alone = [decoder.generate(prompt, max_new_tokens=30).token_ids for prompt in prompts]
    streams = [decoder.stream(prompt, max_new_tokens=30) for prompt in prompts]
    found: list[list[int]] = [[], []]
    for _ in range(30):
        for stream, tokens in zip(streams, found, strict=True):
            step = next(stream, None)
            tokens += step.token_ids if step else ()
    assert [tuple(tokens) for tokens in found] == alone


def test_threads_do_not_disturb_each_other():
    decoder = Decoder(tiny_llama())
    prompts = [[seed, 2, 3] for seed in range(4)]
    alone = [decoder.generate(prompt, max_new_tokens=30).token_ids for prompt in prompts]
    found: dict[int, tuple[int, ...]] = {}

    def work(number: int) -> None:
        found[number] = decoder.generate(prompts[number], max_new_tokens=30).token_ids

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(4)] == alone


@pytest.mark.parametrize("where", ["start", "propose", "observe"])
def test_a_drafter_that_raises_is_logged_once_and_left_out(where, caplog):
    decoder = Decoder(tiny_llama())
    plain = decoder.generate([1, 2], max_new_tokens=20, drafting="none")
    generation = decoder.generate([1, 2], max_new_tokens=20, drafting=raising(where))
    assert generation.token_ids == plain.token_ids
    assert generation.stats.draft_failures == 1
    (record,) = caplog.records
    assert "decoding goes on without its help" in record.getMessage()
    assert record.exc_info is not None


def test_a_processor_is_called_as_in_plain_decoding():
    """Once per output position, in order, with the exact prefix: so stateful ones work too."""

    class Recorder(LogitsProcessor):
        def __init__(self) -> None:
            self.calls: list[list[int]] = []

        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            self.calls.append(input_ids[0].tolist())
            return scores.roll(len(self.calls), dims=-1)

    def run(drafting: str, sources: list[Reference]) -> tuple[Generation, list[list[int]]]:
        recorder = Recorder()
        generation = Decoder(tiny_llama()).generate(
            [1, 2, 3],
            sources,
            max_new_tokens=40,
            logits_processor=LogitsProcessorList([recorder]),
            drafting=drafting,
        )
        return generation, recorder.calls

    plain, plain_calls = run("none", [])
    copying, calls = run("auto", [Reference("said", plain.token_ids)])
    assert calls == plain_calls
    assert [len(call) for call in calls] == list(range(3, 43))
    assert copying.stats.accepted > 10


def test_the_next_drafter_steps_in_for_a_broken_one():
    prompt, script = [1, 2, 3], [5, *SOURCE, 6]
    generation = Decoder(tiny_llama()).generate(
        prompt,
        [Reference("source", SOURCE)],
        max_new_tokens=len(script),
        logits_processor=saying(prompt, script),
        drafting=[raising("propose"), "reference"],
    )
    assert list(generation.token_ids) == script
    assert generation.stats.forward_passes <= 12
    assert set(generation.stats.drafters) == {"reference"}
