"""What fits into the model's window: the question always, then passages, then recent turns.

Deterministic: the oldest turns go first, then the passages of the lowest rank.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quoth.app.prompting import Prompt, build_prompt, compose
from quoth.app.tokenizing import ChatTokenizer
from quoth.app.wording import counted
from quoth.errors import ContextOverflowError
from quoth.types import Passage, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A prompt within its budget, and what of the material went into it."""

    prompt: Prompt
    passages: tuple[Passage, ...]
    turns: tuple[Turn, ...]
    notices: tuple[str, ...]  # one line for each kind of material that was left out


def fit(
    tokenizer: ChatTokenizer,
    *,
    question: str,
    passages: Sequence[Passage],
    turns: Sequence[Turn],
    budget: int,
) -> Fitted:
    """Build the longest prompt of at most `budget` tokens.

    Raises:
        ContextOverflowError: Even the question with its best passage is too long.
    """
    kept_passages, kept_turns = list(passages), list(turns)
    while True:
        prompt = build_prompt(tokenizer, compose(question, kept_passages, kept_turns))
        excess = len(prompt.token_ids) - budget
        if excess <= 0:
            break
        if kept_turns:
            _drop_oldest(tokenizer, kept_turns, excess)
        elif len(kept_passages) > 1:
            kept_passages.pop()
        else:
            raise ContextOverflowError(
                needed=len(prompt.token_ids),
                window=budget,
                what="The question with one passage",
                remedy="Shorten it, lower max_new_tokens, or take a model with a longer window",
            )
    return Fitted(
        prompt=prompt,
        passages=tuple(kept_passages),
        turns=tuple(kept_turns),
        notices=_notices(len(passages) - len(kept_passages), len(turns) - len(kept_turns)),
    )


def _drop_oldest(tokenizer: ChatTokenizer, turns: list[Turn], excess: int) -> None:
    """Take turns away from the front, in pairs so that a user always speaks first."""
    while turns and excess > 0:
        excess -= tokenizer.count(turns.pop(0).text)
        while turns and turns[0].role != "user":
            excess -= tokenizer.count(turns.pop(0).text)


def _notices(passages: int, turns: int) -> tuple[str, ...]:
    notices = []
    if turns:
        left_out = counted(turns, "earlier message")
        notices.append(f"{left_out} did not fit into the model's window.")
    if passages:
        notices.append(f"{passages} of the passages found did not fit into the model's window.")
    return tuple(notices)
