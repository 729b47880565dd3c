"""Verdicts in words."""

from collections.abc import Iterator

from quoth.app.evaluating.answers.asking import Asked


def said_of(asked: Asked) -> list[str]:
    """What is to be said of an answer, one sentence each."""
    return [*_on_passages(asked), *_on_the_answer(asked), *_on_its_quotes(asked)]


def _on_passages(asked: Asked) -> Iterator[str]:
    kind, gold = asked.question.kind, asked.verdict.gold
    if kind == "unanswerable":
        yield "The documents do not hold an answer."
    elif kind == "from_history":
        yield "An earlier turn holds the answer."
    elif not gold:
        yield "No passage found holds the answer."
    else:
        yield f"Right: {_passages(gold)}."


def _on_the_answer(asked: Asked) -> Iterator[str]:
    verdict = asked.verdict
    if verdict.is_empty:
        yield "The answer is empty."
        return
    if verdict.is_refusal:
        yield "Refused."
        return
    named = f"passage {verdict.named}" if verdict.named else "no passage"
    if asked.question.kind == "answerable":
        yield f"Names {named}: {'right' if verdict.is_right_passage else 'wrong'}."
    elif asked.question.kind == "from_history":
        yield "Copied from a turn." if verdict.is_from_turn else f"Not from a turn; names {named}."
    else:
        yield f"Names {named}."
    if verdict.has_gold is not None:
        yield f"The gold answer {'stands' if verdict.has_gold else 'does not stand'} in it."


def _on_its_quotes(asked: Asked) -> Iterator[str]:
    verdict = asked.verdict
    if verdict.is_verbatim:
        yield "Verbatim."
    elif verdict.is_verbatim_lax:
        yield "Verbatim but for white space."
    elif verdict.is_verbatim is not None:
        yield "Not verbatim."
    if verdict.verbatim_chars is not None:
        yield f"{verdict.verbatim_chars:.0%} of its characters stand in a source."
    if verdict.is_cut_off:
        yield "Cut off by the limit of its length."


def _passages(numbers: tuple[int, ...]) -> str:
    return f"passage{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
