"""Files of arrays: made again while another process reads them, cut, lengthened, huge."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from quoth.decoding.drafting import saved_texts
from quoth.decoding.drafting.array_file import write_arrays
from quoth.decoding.drafting.lookahead_store import KIND, SMALLEST, VERSION, LookaheadStore
from quoth.decoding.drafting.phrase_building import build_phrases
from quoth.decoding.drafting.phrase_store import PhraseStore
from quoth.decoding.vocabulary import fingerprint
from quoth.errors import ConfigError, DraftStoreError

READER = """
import sys
from quoth.decoding.drafting.phrase_store import COUNT_BITS, PhraseStore

def told(store):
    return [[pair >> COUNT_BITS for pair in pairs] for pairs in store.following([2, 1])]

early = PhraseStore.open(sys.argv[1], tokenizer="t")
for _line in sys.stdin:
    late = PhraseStore.open(sys.argv[1], tokenizer="t")
    print(told(early), told(late), flush=True)
"""


@pytest.fixture
def path(tmp_path):
    build_phrases([[1, 2, 3]], tmp_path / "p", tokenizer="t")
    return tmp_path / "p"


def test_a_file_can_be_made_again_while_another_process_reads_it(path):
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:

        def answers() -> str:
            reader.stdin.write("\n")
            reader.stdin.flush()
            return reader.stdout.readline().strip()

        assert answers() == "[[3], [3]] [[3], [3]]"
        for token in (4, 5):
            build_phrases([[1, 2, token]] * 50, path, tokenizer="t", max_bytes=1 << 17)
            assert answers() == f"[[3], [3]] [[{token}], [{token}]]"
        assert [file.name for file in path.parent.iterdir()] == ["p"]
        build_phrases([], path, tokenizer="t")
        assert answers() == "[[3], [3]] []"
    assert reader.returncode == 0


def test_files_need_a_tokenizer_that_can_say_what_its_tokens_are():
    with pytest.raises(ConfigError, match="None cannot list its tokens"):
        fingerprint(None)


def test_a_file_that_is_shorter_or_longer_than_its_header_says_is_refused(path):
    whole = path.read_bytes()
    lengths = [*range(0, 600, 7), *range(len(whole) - 20, len(whole))]
    for content in (*(whole[:length] for length in lengths), whole + b"\0", whole + b"\0" * 4096):
        path.write_bytes(content)
        with pytest.raises(DraftStoreError, match="damaged"):
            PhraseStore.open(path, tokenizer="t")
    path.write_bytes(whole)
    assert len(PhraseStore.open(path, tokenizer="t")) == 3


@pytest.mark.parametrize("longest", [1, 30, 900])
def test_of_more_than_fits_the_newest_is_kept_as_if_it_had_been_added(
    tmp_path, longest, monkeypatch
):
    monkeypatch.setattr(saved_texts, "_BLOCK", 100)
    rng = np.random.default_rng(longest)
    large, small = LookaheadStore(1 << 23), LookaheadStore(SMALLEST)
    for length in rng.integers(1, longest, max(30, 6000 // longest), endpoint=True):
        text = rng.integers(0, 9, length).tolist()
        for store in (large, small):
            store.add(text, answer_start=length // 2)
    large.save(tmp_path / "past", tokenizer="t")
    loaded = LookaheadStore.load(tmp_path / "past", tokenizer="t", max_bytes=SMALLEST)
    assert loaded.texts() == small.texts()
    assert len(large.texts()) > len(small.texts()) > 0


@pytest.mark.parametrize("separated_by", [1, 2, 1000, 10**7])
def test_a_huge_file_is_read_in_little_memory(tmp_path, separated_by):
    tokens = np.ones(2_000_000, dtype="<u4")
    tokens[::separated_by] = 0
    arrays = {"tokens": tokens, "kinds": np.zeros(len(tokens), dtype="<u1")}
    write_arrays(tmp_path / "past", arrays, kind=KIND, version=VERSION, tokenizer="t")
    tracemalloc.start()
    try:
        LookaheadStore.load(tmp_path / "past", tokenizer="t", max_bytes=SMALLEST)
        assert tracemalloc.get_traced_memory()[1] < 10 * SMALLEST
    finally:
        tracemalloc.stop()
