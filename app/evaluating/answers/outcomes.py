"""Answers sorted by how they came out, and a sample of each sort to read."""

from collections.abc import Sequence

from quoth.app.evaluating.answers.asking import Asked
from quoth.app.evaluating.answers.questions import draw_order

OUTCOMES = {
    "right": "Right passage, and the answer is in the quote",
    "other_words": "Right passage, other words quoted",
    "right_page": "Right page; which words answer is not known",
    "wrong_passage": "Another passage quoted, though one that answers was there",
    "false_refusal": "Refused, though a passage that answers was there",
    "answer_elsewhere": "Answer quoted from a passage that is not the known one",
    "not_retrieved": "No passage that answers was retrieved, and something was quoted",
    "refused_not_retrieved": "No passage that answers was retrieved, and the model said so",
    "refused": "Without an answer in the documents, and the model said so",
    "answered": "Without an answer in the documents, and something was quoted",
    "from_history": "From an earlier turn, as wanted",
    "not_from_history": "Should have come from an earlier turn, and did not",
    "empty": "Empty",
}
"""What may become of an answer, in words; in the order in which they are shown."""


def outcome_of(asked: Asked) -> str:
    """The sort of an answer, by the names of `OUTCOMES`."""
    verdict, kind = asked.verdict, asked.question.kind
    if verdict.is_empty:
        return "empty"
    if kind == "unanswerable":
        return "refused" if verdict.is_refusal else "answered"
    if kind == "from_history":
        is_right = verdict.has_gold and verdict.is_from_turn
        return "from_history" if is_right else "not_from_history"
    return _of_answerable(asked)


def _of_answerable(asked: Asked) -> str:
    verdict = asked.verdict
    if verdict.is_refusal:
        return "false_refusal" if verdict.is_retrieved else "refused_not_retrieved"
    if verdict.is_right_passage:
        return {True: "right", False: "other_words", None: "right_page"}[verdict.has_gold]
    if verdict.has_gold:
        return "answer_elsewhere"
    return "wrong_passage" if verdict.is_retrieved else "not_retrieved"


def sample(asked: Sequence[Asked], *, per_outcome: int) -> dict[str, dict[str, list[Asked]]]:
    """By domain and outcome, at most so many answers each; the same ones every time."""
    found: dict[str, dict[str, list[Asked]]] = {}
    for one in sorted(asked, key=lambda each: draw_order(each.question)):
        sorts = found.setdefault(one.question.domain, {name: [] for name in OUTCOMES})
        group = sorts[outcome_of(one)]
        if len(group) < per_outcome:
            group.append(one)
    domains = dict.fromkeys(one.question.domain for one in asked)
    return {name: {o: group for o, group in found[name].items() if group} for name in domains}
