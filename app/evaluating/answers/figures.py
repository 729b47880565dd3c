"""What verdicts come to: shares with their intervals, and times, over all and by domain."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from quoth.app.evaluating.answers.asking import Asked
from quoth.app.evaluating.answers.questions import ALL
from quoth.app.evaluating.measures import wilson_interval

Claim = Callable[[Asked], bool | None]  # None: the question does not count


def _answerable(claim: Claim) -> Claim:
    return lambda one: claim(one) if one.question.kind == "answerable" else None


def _where_found(claim: Claim) -> Claim:
    return _answerable(lambda one: claim(one) if one.verdict.is_retrieved else None)


def _right(one: Asked) -> bool:
    return one.verdict.is_right_passage


def _first_is_right(one: Asked) -> bool:
    return 1 in one.verdict.gold


def _refused(one: Asked) -> bool:
    return one.verdict.is_refusal


def _of_kind(kind: str, claim: Claim) -> Claim:
    return lambda one: claim(one) if one.question.kind == kind else None


SHARES: Mapping[str, Claim] = {
    "retrieved": _answerable(lambda one: one.verdict.is_retrieved),
    # where a passage that answers was retrieved: the model's part
    "right_passage_retrieved": _where_found(_right),
    "first_passage_retrieved": _where_found(_first_is_right),
    "right_passage_not_first": _where_found(  # where the first would have been wrong
        lambda one: None if _first_is_right(one) else _right(one)
    ),
    "gold_in_quote_retrieved": _where_found(lambda one: one.verdict.has_gold),
    # of all answerable questions: search and model together
    "right_passage": _answerable(_right),
    "first_passage": _answerable(_first_is_right),
    "gold_in_quote": _answerable(lambda one: one.verdict.has_gold),
    "from_history": _of_kind(
        "from_history", lambda one: bool(one.verdict.has_gold) and one.verdict.is_from_turn
    ),
    # of all answers that quote
    "verbatim": lambda one: one.verdict.is_verbatim,
    "verbatim_lax": lambda one: one.verdict.is_verbatim_lax,
    # refusals
    "refused_unanswerable": _of_kind("unanswerable", _refused),
    "false_refusal": _where_found(_refused),
    "refused_not_retrieved": _answerable(
        lambda one: None if one.verdict.is_retrieved else one.verdict.is_refusal
    ),
    # of all answers
    "empty": lambda one: one.verdict.is_empty,
    "runaway": lambda one: one.verdict.is_cut_off,
}
"""The shares that are measured, by name; of which questions, the claim says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`hits` of `n`, and the 95 % interval (Wilson) of the share."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        """The share, 0 to 1."""
        return self.hits / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Where another set of questions of the same kind may come out."""
        return wilson_interval(self.hits, self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a group of answers comes to; without a share of which no question counts."""

    n: int
    shares: Mapping[str, Share]  # by the names of `SHARES`
    verbatim_chars: float | None  # mean, of answers that quote
    first_s: tuple[float, float]  # median and 95th percentile
    seconds: tuple[float, float]
    tokens: float  # mean


def figures_by_domain(asked: Sequence[Asked]) -> dict[str, Figures]:
    """The figures of each domain in the order of the questions, and of all together, last.

    Raises:
        ValueError: Nothing was asked.
    """
    domains: dict[str, list[Asked]] = {}
    for one in asked:
        domains.setdefault(one.question.domain, []).append(one)
    by_domain = {name: figures_of(group) for name, group in domains.items()}
    return by_domain | {ALL: figures_of(asked)}


def figures_of(asked: Sequence[Asked]) -> Figures:
    """The figures of one group."""
    if not asked:
        raise ValueError("figures need at least one answer")
    chars = [v for one in asked if (v := one.verdict.verbatim_chars) is not None]
    shares = {name: _share(claim, asked) for name, claim in SHARES.items()}
    return Figures(
        n=len(asked),
        shares={name: share for name, share in shares.items() if share},
        verbatim_chars=statistics.fmean(chars) if chars else None,
        first_s=_middle_and_tail([one.first_s for one in asked]),
        seconds=_middle_and_tail([one.seconds for one in asked]),
        tokens=statistics.fmean(one.tokens for one in asked),
    )


def as_json(figures: Figures) -> dict[str, object]:
    """The figures as `--json` gives them."""
    shares = {
        name: {"share": share.value, "ci95": share.interval, "hits": share.hits, "n": share.n}
        for name, share in figures.shares.items()
    }
    return {
        "n": figures.n,
        **shares,
        "verbatim_chars": figures.verbatim_chars,
        "first_token_s": {"median": figures.first_s[0], "p95": figures.first_s[1]},
        "seconds": {"median": figures.seconds[0], "p95": figures.seconds[1]},
        "tokens": figures.tokens,
    }


def _share(claim: Claim, asked: Sequence[Asked]) -> Share | None:
    claims = [claimed for one in asked if (claimed := claim(one)) is not None]
    return Share(hits=sum(claims), n=len(claims)) if claims else None


def _middle_and_tail(values: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return statistics.median(ordered), ordered[max(0, -(-95 * len(ordered) // 100) - 1)]
