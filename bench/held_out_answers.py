"""Answers to the questions of all domains that bench/held_out.py made, in one table.

    python bench/held_out_answers.py OUT --model quoth-mini --passages 1,3 --report page.html

Each domain is asked over an index of its own documents, which is kept in OUT/<domain>/index; with
--rows FOLDER, each domain's answers are kept in a file there, and a broken run goes on.
The last line on stdout is one JSON document.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from quoth.app.cli.eval_answers import answered_by, numbers_in, opened_for, print_tables
from quoth.app.evaluating.answers.asking import Asked
from quoth.app.evaluating.answers.figures import as_json, figures_by_domain
from quoth.app.evaluating.answers.page import write_page
from quoth.app.evaluating.answers.questions import limited, read_answer_questions
from quoth.app.settings import Settings


def main() -> int:
    """Ask, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="what bench/held_out.py made")
    parser.add_argument("--model", default="quoth-mini")
    parser.add_argument("--passages", default="3", help="such as 1,3,5")
    parser.add_argument("--domains", nargs="*", help="all by default")
    parser.add_argument("--limit", type=int, help="questions of each domain, at most")
    parser.add_argument("--rows", type=Path, help="folder for one JSON object per answer")
    parser.add_argument("--report", type=Path, help="file for a page with a sample to read")
    arguments = parser.parse_args()
    cuts = numbers_in(arguments.passages)
    names = arguments.domains or sorted(p.parent.name for p in arguments.out.glob("*/docs"))
    asked = [one for name in names for one in of_domain(arguments.out / name, arguments, cuts)]
    by_cut = {k: [one for one in asked if one.k == k] for k in cuts}
    figures = {k: figures_by_domain(group) for k, group in by_cut.items()}
    print_tables(figures)
    if arguments.report:
        write_page(arguments.report, by_cut, figures, title=f"Answers of {arguments.model}")
    told = {k: {name: as_json(one) for name, one in group.items()} for k, group in figures.items()}
    print(json.dumps({"model": arguments.model, "passages": told}))
    return 0


def of_domain(folder: Path, arguments: argparse.Namespace, cuts: Sequence[int]) -> list[Asked]:
    """The answers to the questions of one domain."""
    questions = limited(read_answer_questions([folder / "questions.jsonl"]), arguments.limit)
    settings = Settings(index_path=folder / "index", model=arguments.model)
    rows = arguments.rows / f"{folder.name}.jsonl" if arguments.rows else None
    if rows:
        rows.parent.mkdir(parents=True, exist_ok=True)
    print(f"{folder.name}: {len(questions)} questions", file=sys.stderr)
    with opened_for(settings, [folder / "docs"], questions) as index:
        return answered_by(index, settings, questions, cuts, rows)


if __name__ == "__main__":
    sys.exit(main())
