"""The terms by which a text is found: what the lexical index holds, and what a query asks for.

Both sides go through `terms_of`, so a word is found however it is written: case, accents and widths
are folded, English endings dropped, and what is joined ("getUserName", "e-mail", "ISO-8859-1")
gives its parts as well as the whole. Numbers lose their grouping ("1,234.5" is "1234.5" and
"1234"). Scripts without spaces give single characters and pairs.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

MAX_TERM_CHARS = 64  # of longer ones, hashes and the like, this much is kept
_LONGEST_SPLIT = 256  # characters; more is no word, and its parts would only be noise
_UNSPACED = (  # Thai to Tibetan, Burmese, Khmer, Kana, Han
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003134f"
)
_ACCENTS = "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670"
_SIGNS = f"{_ACCENTS}\u0900-\u0963\u0966-\u0dff"  # vowel signs of India are no word characters
_LETTER = rf"(?:(?![{_UNSPACED}])[\w{_SIGNS}])"
_TERM = re.compile(
    rf"(?P<unspaced>[{_UNSPACED}]+)"
    r"|(?P<number>(?<!\w)\d{1,3}(?:,\d{3}){1,20}(?:\.\d+)?(?![\w,]))"  # of lists, no more
    r"|(?P<symbol>(?<!\w)[A-Za-z](?:\+\+|\#)(?![^\W\d]))"
    rf"|(?P<word>{_LETTER}+(?:(?:[-.'’&]|::){_LETTER}+)*)"
)
_PART = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_FOREIGN_PART = re.compile(rf"\d+|(?:[^\W\d_]|[{_SIGNS}])+")  # not split at capitals
_CLITIC = re.compile(r"['’](?:s|S)$")
_JOINT = re.compile(r"(?<!\d)\.|\.(?!\d)|[-_'’&:]")
_FOLDED_MARK = re.compile(f"[{_ACCENTS}]+")


def terms_of(text: str) -> list[str]:
    """The terms of `text`, in its order; a term comes as often as it stands there."""
    if not text.isascii():
        text = _without_accents(unicodedata.normalize("NFKC", text))
    found: list[str] = []
    for match in _TERM.finditer(text):
        found.extend(_terms(match.group(), match.lastgroup))
    return found


def _terms(found: str, kind: str | None) -> Iterator[str]:
    match kind:
        case "unspaced":
            yield from found
            yield from (found[place : place + 2] for place in range(len(found) - 1))
        case "number":
            plain = found.replace(",", "")
            yield plain[:MAX_TERM_CHARS]
            if "." in plain:
                yield plain.partition(".")[0][:MAX_TERM_CHARS]
        case "symbol":
            yield from (found[0].lower(), found.lower())
        case _:
            yield from _word_terms(found) if len(found) <= _LONGEST_SPLIT else (_folded(found),)


@lru_cache(maxsize=1 << 16)
def _word_terms(word: str) -> tuple[str, ...]:
    """The parts of a word, then the whole without what joins them."""
    word = _CLITIC.sub("", word)
    parts = (_PART if word.isascii() else _FOREIGN_PART).findall(word)
    whole = [_JOINT.sub("", word)] if len(parts) > 1 else []
    return tuple(_stemmed(_folded(term)) for term in (*parts, *whole))


def _folded(word: str) -> str:
    return _without_accents(word.casefold())[:MAX_TERM_CHARS]


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    bare = _FOLDED_MARK.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare)


_per_thread = threading.local()


def _stemmed(term: str) -> str:
    """Drop English endings (Porter, 1980), a frozen algorithm: an index outlives its library."""
    if len(term) < 3 or not (term.isascii() and term.isalpha()):
        return term
    stemmer: Any = getattr(_per_thread, "stemmer", None)
    if stemmer is None:  # stemmers keep the word in work: one for each thread
        from snowballstemmer import stemmer as made

        stemmer = _per_thread.stemmer = made("porter")
    stem: str = stemmer.stemWord(term)
    return stem
