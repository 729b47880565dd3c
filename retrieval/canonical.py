r"""The one text of a document: NFC, `\n` newlines, nothing invisible that breaks search or display.

Applied before any offset is taken, and never again: offsets point into its result.
"""

import re
import unicodedata

_NEWLINES = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_SPACES = re.compile("[\xa0\u2007\u202f]")
# Controls but tab and newline, soft hyphens, zero-width spaces, byte order marks, directional
# overrides (they can make text read differently from what it says), surrogates, non-characters.
_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\ufeff\u202a-\u202e\u2060\u2066-\u2069"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_LIGATURES = {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
}
_LIGATURE = re.compile("[\ufb00-\ufb06]")


def canonical_text(raw: str) -> str:
    r"""The canonical form of `raw`. Idempotent.

    Newlines of every kind become `\n`, fixed spaces become spaces, Latin ligatures their letters;
    controls, soft hyphens and directional overrides go.
    """
    text = _NEWLINES.sub("\n", raw)
    text = _SPACES.sub(" ", text)
    text = _DROPPED.sub("", text)
    text = _LIGATURE.sub(lambda match: _LIGATURES[match.group()], text)
    return unicodedata.normalize("NFC", text)
