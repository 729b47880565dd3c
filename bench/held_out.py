"""Make corpora and questions that quoth-mini was not trained on.

    python bench/held_out.py DATA OUT --technical bench/questions/technical.jsonl

DATA holds `qa_train/extractive_qa.jsonl.gz`, `text/corpus.jsonl.xz` and `financebench/`; what of it
is held out, `quoth.decoding.training.sources` says. OUT gets a folder for each domain, with `docs/`
and `questions.jsonl` for `quoth eval answers`; bench/held_out_answers.py measures all of them. The
last line on stdout is one JSON document.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from answering.corpora import Domain, write
from answering.filings import finance_domain
from answering.people_asked import held_out_domains, policy_domain
from answering.technical import technical_domain


def main() -> int:
    """Write all domains, and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path, help="folder that is made; it must not be there yet")
    parser.add_argument("--technical", type=Path, help="JSONL of questions on technical documents")
    arguments = parser.parse_args()
    domains = [
        *held_out_domains(arguments.data),
        policy_domain(arguments.data),
        finance_domain(arguments.data),
    ]
    if arguments.technical:
        domains.append(technical_domain(arguments.data, arguments.technical))
    arguments.out.mkdir(parents=True)
    domains = [domain for domain in domains if domain.questions]
    for domain in domains:
        write(domain, arguments.out / domain.name)
    print(json.dumps({domain.name: counts(domain) for domain in domains}))
    return 0


def counts(domain: Domain) -> dict[str, int]:
    """How many documents there are, and questions of each kind."""
    kinds = Counter(kind(row) for row in domain.questions)
    return {"documents": len(domain.documents), **kinds}


def kind(row: dict[str, object]) -> str:
    """What is asked for by a question."""
    if row.get("from_history"):
        return "from_history"
    return "unanswerable" if row.get("answers") == [] else "answerable"


if __name__ == "__main__":
    sys.exit(main())
