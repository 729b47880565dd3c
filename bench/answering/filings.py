"""Questions on company filings (FinanceBench, arXiv 2311.11944): the page answers, or its number.

Unanswerable ones ask the same of a company that has no filing here.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from answering.corpora import Domain, Row, numbered

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_COUNTED = re.compile(r"\d[\d,]*(?:\.\d+)? (?:million|billion)")
_COMPANIES = re.compile(
    r"Amazon|MGM Resorts|Costco|Walmart|Kraft Heinz|Boeing|AMCOR|Nike|Corning|American Water Works|"
    r"JnJ|Best Buy|3M|Pepsico|Pfizer|Netflix|Lockheed Martin"
)
_OTHERS = ("Caterpillar", "Intel", "Starbucks", "Ford", "Delta Air Lines", "Target", "Oracle")
_SCALES = (1, 1_000, 1_000_000)  # of what a filing counts in, to what a question asks for


def finance_domain(data: Path) -> Domain:
    """The filings and their questions."""
    folder = data / "financebench"
    with (folder / "questions.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    questions = [*map(_answerable, rows), *_unanswerable(rows)]
    return Domain(
        name="finance",
        documents={path.name: path for path in sorted((folder / "pdfs").glob("*.pdf"))},
        questions=numbered("finance", questions),
    )


def _answerable(row: dict[str, Any]) -> Row:
    """Pages of the source count from 0. Without a number that stands there, the page must do."""
    evidence = " ".join(one["text"] for one in row["evidence"])
    found = spellings(row["answer"], evidence)
    return {
        "question": row["question"],
        **({"answers": found} if found else {}),
        "document": row["doc"],
        "pages": sorted({one["page"] + 1 for one in row["evidence"]}),
    }


def _unanswerable(rows: list[dict[str, Any]]) -> Iterator[Row]:
    for number, row in enumerate(rows):
        other = _OTHERS[number % len(_OTHERS)]
        if _COMPANIES.search(row["question"]):
            yield {"question": _COMPANIES.sub(other, row["question"]), "answers": []}


def spellings(answer: str, evidence: str) -> list[str]:
    """How the number of an answer stands in the evidence; nothing where it was computed.

    "$5466.00" (millions) is 5,466,312 in a filing that counts in thousands: the only number there
    that rounds to it. Nothing, too, where several numbers do, or the answer has several.

    Example:
        >>> spellings("$11588.00", "Net income 3,033 10,073 11,588")
        ['11,588', '11588', '11,588.0']
    """
    if answer.strip() in evidence:
        return [answer.strip()]
    counted = _COUNTED.search(answer)
    if counted and counted[0] in evidence:
        return [counted[0]]
    numbers = _NUMBER.findall(answer)
    if len(numbers) != 1 or "%" in answer:
        return []
    wanted = float(numbers[0].replace(",", ""))
    found = {text for text in _NUMBER.findall(evidence) if _is_rounded(text, wanted)}
    values = {_value(text) for text in found}
    if len(values) != 1:
        return []
    value = values.pop()
    plain = [f"{value:,.0f}", f"{value:.0f}", f"{value:,.1f}"] if value == int(value) else []
    return list(dict.fromkeys([*sorted(found), *plain]))


def _is_rounded(text: str, wanted: float) -> bool:
    """Whether a number, in some unit, is the wanted one as far as that is given."""
    digits = len(f"{wanted:g}".partition(".")[2])
    exact = _value(text) == wanted
    telling = sum(char.isdigit() for char in text) >= 4
    return exact or (
        telling and any(round(_value(text) / scale, digits) == wanted for scale in _SCALES)
    )


def _value(text: str) -> float:
    return float(text.replace(",", ""))
