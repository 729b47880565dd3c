"""The model in the package: loads with plain transformers, stays small, quotes verbatim."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    NemotronForCausalLM,
    PreTrainedTokenizerFast,
)

from quoth.decoding.training.prompts import question_message

_FOLDER = Path(str(files("quoth.decoding.models"))) / "quoth_mini"
_PASSAGES = [
    "The scheduler keeps a list of jobs. Each job has a priority between 0 and 9. Jobs with equal "
    "priority run in the order of arrival.",
    "Backups are written at midnight to the `archive/` folder. Each backup is kept for thirty "
    "days.\nOlder backups are deleted by the cleaner.",
    "To rotate the keys, call `vault rotate --all` and restart the workers. Keys expire after 90 "
    "days.",
]
_QUESTIONS = {
    "What priority can a job have?": 1,
    "Where are backups written?": 2,
    "How do I rotate the keys?": 3,
    "When do keys expire?": 3,
    "What does the cleaner delete?": 2,
    "What does the scheduler keep?": 1,
}


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    loaded: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(_FOLDER)
    return loaded


@pytest.fixture(scope="module")
def model() -> NemotronForCausalLM:
    loaded = AutoModelForCausalLM.from_pretrained(_FOLDER, dtype=torch.float32)
    assert isinstance(loaded, NemotronForCausalLM)
    return loaded.eval()


@pytest.fixture(scope="module")
def answers(model: NemotronForCausalLM, tokenizer: PreTrainedTokenizerFast) -> dict[str, str]:
    given = {}
    for question in _QUESTIONS:
        messages = [
            {"role": "system", "content": "Quote the passages."},
            {"role": "user", "content": question_message(question, _PASSAGES)},
        ]
        prompt = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        output = model.generate(**prompt, max_new_tokens=80, do_sample=False)
        new = output[0, prompt["input_ids"].shape[1] :]
        given[question] = tokenizer.decode(new, skip_special_tokens=True)
    return given


def test_size_stays_within_what_a_package_may_weigh() -> None:
    assert sum(path.stat().st_size for path in _FOLDER.iterdir()) <= 60e6


def test_shape_is_small_with_a_long_context(model: NemotronForCausalLM) -> None:
    assert model.config.max_position_embeddings >= 2048
    assert sum(parameter.numel() for parameter in model.parameters()) <= 30e6


def test_generation_stops_at_the_end_of_the_turn(
    model: NemotronForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    assert model.generation_config is not None
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert model.config.eos_token_id == tokenizer.eos_token_id
    assert tokenizer.eos_token == "<|end|>"


def test_answers_name_a_passage_and_quote_it_verbatim(answers: dict[str, str]) -> None:
    quoted = 0
    for answer in answers.values():
        match = re.fullmatch(r"\[([123])\] (.+)", answer, re.DOTALL)
        assert match, answer
        quoted += match.group(2) in _PASSAGES[int(match.group(1)) - 1]
    assert quoted >= len(answers) - 1, answers


def test_most_answers_come_from_the_right_passage(answers: dict[str, str]) -> None:
    right = sum(answers[question].startswith(f"[{n}]") for question, n in _QUESTIONS.items())
    assert right >= len(answers) - 2, answers


def test_the_card_names_data_licences_recipe_and_scores() -> None:
    card = (_FOLDER / "README.md").read_text(encoding="utf-8")
    for word in ("CC BY-SA 4.0", "CC BY 4.0", "seed", "hours", "verbatim", "right passage"):
        assert word in card
