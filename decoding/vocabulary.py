"""Which tokens a tokenizer has, as a name: stores of token ids say whose ids they hold."""

import hashlib
from typing import Protocol

from quoth.errors import ConfigError


class Vocabulary(Protocol):
    """A tokenizer that can list its tokens, as those of Hugging Face can."""

    def get_vocab(self) -> dict[str, int]:
        """Every token and its id."""
        ...


def fingerprint(tokenizer: Vocabulary) -> str:
    """16 hexadecimal digits; equal for tokenizers with the same tokens under the same ids.

    Raises:
        ConfigError: It cannot list its tokens.
    """
    if not hasattr(tokenizer, "get_vocab"):
        raise ConfigError(
            f"{tokenizer!r} cannot list its tokens, so nothing can be stored for it. Give a "
            f"tokenizer of transformers."
        )
    digest = hashlib.sha256()
    for token, number in sorted(tokenizer.get_vocab().items()):
        digest.update(f"{number} {len(token)} {token}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]
