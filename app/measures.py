"""The numbers under an answer."""

from collections.abc import Sequence

from quoth.app.citations import covered_share
from quoth.app.context import Fitted
from quoth.app.events import AnswerStats
from quoth.decoding import Step
from quoth.types import Citation


def measure(
    text: str, citations: Sequence[Citation], fitted: Fitted, last: Step, retrieve_s: float
) -> tuple[float, AnswerStats]:
    """Coverage and statistics of a finished answer.

    Args:
        text: The answer.
        citations: All of its citations.
        fitted: The prompt it was made from.
        last: The decoder's last step, with the final totals.
        retrieve_s: Seconds that the search took.
    """
    copied = [citation for citation in citations if citation.origin == "copied"]
    stats = AnswerStats(
        prompt_tokens=len(fitted.prompt.token_ids),
        tokens=last.stats.tokens,
        forward_passes=last.stats.forward_passes,
        drafted=last.stats.drafted,
        accepted=last.stats.accepted,
        copied_share=covered_share(text, copied),
        retrieve_s=retrieve_s,
        prefill_s=last.stats.prefill_s,
        decode_s=last.stats.decode_s,
    )
    return covered_share(text, citations), stats
