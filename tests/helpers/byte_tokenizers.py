"""Tokenizers whose tokens are bytes or parts of characters: text comes in awkward pieces."""

from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

_PIECES = [
    *(letter.encode() for letter in "abcdefghijklmnopqrst"),
    *(f" {letter}".encode() for letter in "abcdefgh"),
    *(b"ab", b"ba", b" the", b"abc", b"ca", b"st", b".", b"\n"),
    *(bytes([byte]) for byte in "😀é漢".encode()),
    b"\xff",
    b"\xf0\x9f",
    b"\x98\x80",
    "e\u0301".encode(),
]


class PieceTokenizer:
    """64 tokens: letters, words, halves of characters, and a byte that is none. Decodes only."""

    def __init__(self) -> None:
        self._pieces = [*_PIECES, *(f"<{n}>".encode() for n in range(64 - len(_PIECES)))]

    def decode(
        self,
        token_ids: Sequence[int],
        *,
        skip_special_tokens: bool = True,
        clean_up_tokenization_spaces: bool = False,
    ) -> str:
        joined = b"".join(self._pieces[token] for token in token_ids)
        return joined.decode("utf-8", errors="replace")

    def convert_ids_to_tokens(self, ids: int) -> str:
        return repr(self._pieces[ids])


def trained_tokenizer(texts: Iterable[str], size: int = 400) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer trained on the given texts, with one special token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")


_WORDS = ("▁", "▁▁", "a", "▁a", "b", "▁the", "▁now", "é", "漢", "\ufffd", ".")


def fallback_tokenizer() -> PreTrainedTokenizerFast:
    """Llama-2's way: words with a mark for the space, and bytes for characters that it lacks.

    Ids: 0 unknown, 1 the end (special), then 256 bytes, then words.
    """
    tokens = ["<unk>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *_WORDS]
    model = models.BPE(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=[("▁", "▁"), ("▁", "a")],
        unk_token="<unk>",
        byte_fallback=True,
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>")
