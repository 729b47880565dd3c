"""Which tokens are spelt alike: the same but for case and the space before them.

A copy at the beginning of a sentence or a list item begins with another token than in its source;
what follows is the same.
"""

import numpy as np
from numpy.typing import NDArray

from quoth.decoding.vocabulary import Vocabulary

_SPACES = "Ġ▁Ċ \n\t"  # as byte-level, SentencePiece and other vocabularies write them


def spelling_classes(tokenizer: Vocabulary) -> NDArray[np.int64]:
    """For each token id the smallest id of its class, [V]; about 0.1 s for 150 k tokens."""
    vocabulary = tokenizer.get_vocab()
    classes = np.arange(1 + max(vocabulary.values(), default=-1), dtype=np.int64)
    first: dict[str, int] = {}
    for written, token in sorted(vocabulary.items(), key=lambda item: item[1]):
        word = written.strip(_SPACES).casefold()
        if word:
            classes[token] = first.setdefault(word, token)
    return classes
