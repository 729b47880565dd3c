"""Kills a writer at random moments, again and again, and looks at what is left of its index.

    python bench/kills.py 300 --seed 1

A child process changes an index: it syncs a folder that has changed at random, removes documents,
optimises and repairs. It tells of every document once its transaction is committed. SIGKILL ends
it at a random moment. Then the index must open, be sound but for what it says the next sync does,
answer with text of its documents, and hold exactly what was told: the one change in work may have
come about or not. The last line of stdout is one JSON document; exit code 1 if anything is lost.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from killing.checks import Result, check, check_complete, state_of
from killing.writers import ACTIONS, change_files, killed_child, opened

FULL_CHECK_EVERY = 10  # kills


def main() -> int:
    """Kill, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kills", type=int, nargs="?", default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = run(Path(folder), arguments.kills, arguments.seed, show=sys.stderr.isatty())
    for problem in result.problems:
        print(problem)
    seconds = round(time.monotonic() - started, 1)
    print(json.dumps(asdict(result) | {"seed": arguments.seed, "seconds": seconds}))
    return 1 if result.problems or result.documents_lost else 0


def run(folder: Path, kills: int, seed: int, *, show: bool = False) -> Result:
    """Kill `kills` writers of one index in `folder`."""
    chance = random.Random(seed)
    docs = folder / "docs"
    docs.mkdir()
    result = Result()
    patience = dict.fromkeys(ACTIONS, 0.3)  # seconds: about as long as a child takes
    with opened(folder) as index:
        state = state_of(index)
    while result.kills < kills:
        change_files(docs, chance)
        action = chance.choice(ACTIONS)
        seconds = chance.uniform(0, 1.2 * patience[action])
        lines, was_killed = killed_child(folder, docs, action, seconds)
        if was_killed:
            result.kills += 1
            event = lines[-1]["event"] if lines else "opening"
            result.killed_at[event] = result.killed_at.get(event, 0) + 1
            patience[action] *= 1.05
        else:
            result.unhurt += 1
            patience[action] *= 0.9
        problems = len(result.problems)
        state = check(folder, docs, state, lines, result)
        result.survived += was_killed and len(result.problems) == problems
        if result.kills % FULL_CHECK_EVERY == 0 or result.kills == kills:
            state = check_complete(folder, docs, result)
        if show:
            print(f"\r{result.kills} kills, {len(result.problems)} problems", file=sys.stderr)
    return result


if __name__ == "__main__":
    raise SystemExit(main())
