"""The simulation counts what a real decode loop counts."""

import gzip
import json
import random
from copy import deepcopy
from pathlib import Path

import pytest

from helpers.tiny_model import VOCABULARY, tiny_llama
from peers.llma import LLMA
from peers.lookahead_trie import LookaheadTrie
from peers.prompt_lookup import PromptLookup
from peers.vote_tree import VoteTree
from quoth.decoding import Decoder, DecodingConfig, Reference
from quoth.decoding.drafting.cost import CostCurve
from quoth.decoding.drafting.selection import Drafting, Material, select_drafters
from replaying.forcing import forced, interleaved, summary
from replaying.methods import drafting, folds
from replaying.report import HEADLINE, table
from replaying.report import summary as simulated_summary
from replaying.rows import Row, load_rows, padded
from replaying.simulation import walk

END = 0
METHODS: dict[str, Drafting] = {
    "none": "none",
    "reference": "reference",
    "prompt lookup": PromptLookup(),
    "llma": LLMA(),
    "trie": LookaheadTrie(decoding_length=16, branch_length=4),
    "votes": VoteTree(),
}


def made_row(seed: int, group: str = "g") -> Row:
    """A prompt of two passages, and an answer that copies from them."""
    chance = random.Random(seed)
    passages = [[chance.randrange(1, VOCABULARY) for _ in range(25)] for _ in range(2)]
    answer = []
    while len(answer) < 40:
        start = chance.randrange(20)
        answer += chance.choice(passages)[start : start + chance.randint(1, 8)]
    return Row(
        id=str(seed),
        source="made",
        task="copying",
        group=group,
        prompt=(*passages[0], *passages[1]),
        references=tuple(Reference(str(n), tuple(each)) for n, each in enumerate(passages)),
        answer=(*answer, END),
    )


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("forks", [False, True])
def test_simulated_and_real_loops_count_alike(
    name: str, seed: int, forks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where passes take no time, that is: what they cost decides how much is drafted."""
    monkeypatch.setattr(CostCurve, "observe", lambda *_: None)
    row = made_row(seed)
    config = DecodingConfig(forks=forks)
    model = deepcopy(tiny_llama()).bfloat16() if forks else tiny_llama()
    decoder = Decoder(model, config=config)
    drafters = select_drafters(METHODS[name], Material(config=config))
    run = forced(decoder, row, METHODS[name])
    found = walk(row, drafters, config, vocabulary=VOCABULARY)
    assert run.is_identical
    assert (found.tokens, found.passes) == (run.tokens, run.passes)
    assert found.drafted == run.drafted
    assert found.tokens == found.passes + found.accepted == len(row.answer) - 1
    assert found.passes == len(found.step_s)
    assert not found.failures
    if name == "none":
        assert found.passes == found.tokens
    else:
        assert found.passes < found.tokens


def test_forced_runs_are_compared_with_plain_decoding() -> None:
    decoder = Decoder(tiny_llama())
    rows = [made_row(seed) for seed in range(3)]
    found = summary(interleaved(decoder, rows, {"plain": "none", "votes": VoteTree()}))
    assert found["plain"]["median_speedup"] == 1.0
    assert found["plain"]["tokens_per_pass"] == 1.0
    assert found["votes"]["tokens_per_pass"] > 1.0
    assert found["votes"]["identical"] == 1.0


def test_a_wrong_text_is_not_called_identical() -> None:
    row = made_row(0)
    wrong = Row(**{name: getattr(row, name) for name in row.__slots__} | {"answer": (3, END, END)})
    assert not forced(Decoder(tiny_llama()), wrong, "none").is_identical


def test_folds_never_know_a_row_of_their_groups() -> None:
    rows = [made_row(seed, group=str(seed % 5)) for seed in range(23)]
    measured = []
    for own, known in folds(rows, 3):
        assert not {row.group for row in own} & {row.group for row in known}
        assert len(own) + len(known) == len(rows)
        measured += own
    assert sorted(row.id for row in measured) == sorted(row.id for row in rows)
    assert folds(rows, 1) == [(rows, [])]


def test_names_are_peers_or_left_to_quoth() -> None:
    assert drafting("plain", ()) == ["none"]
    votes, name = drafting("vote-tree+reference", ())
    assert isinstance(votes, VoteTree)
    assert name == "reference"


def test_the_table_divides_all_tokens_by_all_passes() -> None:
    rows = [made_row(seed) for seed in range(4)]
    config = DecodingConfig()
    walks = [walk(row, [VoteTree()], config, vocabulary=VOCABULARY) for row in rows]
    found = simulated_summary(walks)
    tokens, passes = sum(each.tokens for each in walks), sum(each.passes for each in walks)
    everything = found["columns"]["all"]  # type: ignore[index] # a mapping
    assert everything["tokens_per_pass"] == round(tokens / passes, 4)
    assert everything == found["columns"]["made"]  # type: ignore[index] # a mapping
    worst = min(each.tokens / each.passes for each in walks)
    assert found["worst_row"]["tokens_per_pass"] == worst  # type: ignore[index] # a mapping
    assert "votes" in table({"votes": found})
    assert HEADLINE[0] in table({"votes": found})


class Words:
    """A tokenizer of words, numbered as they come."""

    eos_token_id = 99

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        words = text.replace("\n\n", " ¶ ").split()
        return {"input_ids": [self._ids.setdefault(word, len(self._ids)) for word in words]}


def test_rows_are_turns_passages_and_question(tmp_path: Path) -> None:
    record = {
        "source": "s",
        "task": "t",
        "id": "1",
        "group": 7,
        "question": "why so",
        "contexts": ["one two", "three"],
        "history": [["user", "hello"], ["agent", "well hello"]],
        "response": "because two",
    }
    path = tmp_path / "rows.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("".join(json.dumps(record | {"id": str(n)}) + "\n" for n in range(5)))
    words = Words()
    rows = load_rows(path, words)  # type: ignore[arg-type] # encodes, which is enough
    assert [row.id for row in rows] == ["0", "1", "2", "3", "4"]
    row = rows[0]
    text = "hello ¶ well hello ¶ one two ¶ three ¶ why so ¶"
    assert list(row.prompt) == words(text, add_special_tokens=False)["input_ids"]
    assert [list(each.token_ids) for each in row.references] == [
        words(text, add_special_tokens=False)["input_ids"] for text in record["contexts"]
    ]
    assert row.answer[-1] == Words.eos_token_id
    assert row.group == "s:7"
    assert row.columns == ("all", "s", "s/t")


def test_rows_are_padded_with_passages_of_other_groups() -> None:
    rows = [made_row(seed, group=str(seed // 2)) for seed in range(6)]
    row = padded(rows[0], rows, 160)
    assert sum(len(each.token_ids) for each in row.references) == 160
    assert row.references[-2:] == rows[0].references
    assert row.prompt[-50:] == rows[0].prompt
    assert row.prompt[:25] == rows[2].prompt[:25]  # 1 is of the same group
    assert len({each.id for each in row.references}) == len(row.references)
    with pytest.raises(ValueError, match="250"):
        padded(rows[0], rows, 251)
