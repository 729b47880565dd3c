"""Which tokens a tokenizer has, as a name: stores of token ids say whose ids they hold."""

import hashlib
from typing import Protocol


class Vocabulary(Protocol):
    """A tokenizer that can list its tokens, as those of Hugging Face can."""

    def get_vocab(self) -> dict[str, int]:
        """Every token and its id."""
        ...


def fingerprint(tokenizer: Vocabulary) -> str:
    """16 hexadecimal digits; equal for tokenizers with the same tokens under the same ids."""
    digest = hashlib.sha256()
    for token, number in sorted(tokenizer.get_vocab().items()):
        digest.update(f"{number} {len(token)} {token}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]
