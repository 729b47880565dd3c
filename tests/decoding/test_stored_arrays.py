"""Files that are mapped: made again while another process reads them, cut, lengthened."""

import subprocess
import sys

import pytest

from quoth.decoding.drafting.phrase_building import build_phrases
from quoth.decoding.drafting.phrase_store import PhraseStore
from quoth.errors import DraftStoreError

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


def test_a_file_that_is_shorter_or_longer_than_its_header_says_is_refused(path):
    whole = path.read_bytes()
    lengths = [*range(0, 600, 7), *range(len(whole) - 20, len(whole))]
    for content in (*(whole[:length] for length in lengths), whole + b"\0", whole + b"\0" * 4096):
        path.write_bytes(content)
        with pytest.raises(DraftStoreError, match="damaged"):
            PhraseStore.open(path, tokenizer="t")
    path.write_bytes(whole)
    assert len(PhraseStore.open(path, tokenizer="t")) == 3
