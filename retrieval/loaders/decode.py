"""Bytes to text: byte order marks, UTF-8, and Windows-1252 where it is plausible."""

import codecs
import re

from quoth.errors import DocumentError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_MAX_CONTROLS = 8  # a stray one does not make a short note binary
_MAX_CONTROL_SHARE = 0.005  # logs hold a few escape characters, binaries hold many
_MIN_LETTER_SHARE = 0.6
_CHARSET = re.compile(  # those of texts; others of Python's codecs are slow, or no charsets at all
    r"(?:us-?)?ascii|utf[-_]?(?:8|16|32)(?:[-_]?[lb]e)?|(?:iso|x-mac|mac|windows|cp|ibm|koi8|latin|euc"
    r"|shift|sjis|s-?jis|big5|gb|hz|johab|tis|ks|viscii)[-_a-z0-9:]*",
    re.IGNORECASE,
)
_WIDE = re.compile(r"utf[-_]?(?:16|32)|ucs[-_]?[24]|iso[-_]10646|(?:cs)?unicode", re.IGNORECASE)
_BINARY = "not text: it holds binary data"


def decode_text(content: bytes) -> str:
    """The text in `content`.

    Raises:
        DocumentError: It is binary, or in an encoding that cannot be told.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decode_marked(content, encoding)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = _decode_western(content)
    if len(_CONTROL.findall(text)) > max(_MAX_CONTROLS, _MAX_CONTROL_SHARE * len(text)):
        raise DocumentError(_BINARY)
    return text


def decode_declared(content: bytes, declaration: "re.Match[bytes] | None") -> str:
    """The text in `content`, which declares its charset in the first group, or does not.

    Raises:
        DocumentError: As for `decode_text`.
    """
    charset = declaration[1].decode("latin-1") if declaration else ""
    text = decode_as(content, charset) if charset and can_name_itself(charset) else None
    return decode_text(content) if text is None else text


def decode_as(content: bytes, charset: str) -> str | None:
    """`content` in the charset that its container names; None where that cannot be."""
    if not _CHARSET.fullmatch(charset):
        return None
    try:
        return content.decode(charset)
    except (LookupError, UnicodeError):
        return None


def can_name_itself(charset: str) -> bool:
    """Whether a text in `charset` can say so in ASCII letters: one in UTF-16 or UTF-32 cannot.

    Texts that were saved in another encoding since still do (HTML 13.2.3.2 reads them as UTF-8).
    """
    return charset.isprintable() and not _WIDE.match(charset)


def refuse_binary(content: bytes) -> None:
    """For formats whose parser decodes: refuse what no encoding of text explains.

    Raises:
        DocumentError: It is binary.
    """
    if content.startswith(tuple(mark for mark, _ in _MARKS)):
        return
    num_controls = sum(content.count(byte) for byte in _CONTROL_BYTES)
    if num_controls > max(_MAX_CONTROLS, _MAX_CONTROL_SHARE * len(content)):
        raise DocumentError(_BINARY)


def _decode_marked(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(f"not readable as {encoding}, which its first bytes promise") from error


def _decode_western(content: bytes) -> str:
    """Windows-1252 is plausible where most bytes are ASCII letters and spaces."""
    plain = sum(content.count(byte) for byte in _LETTERS)
    if b"\0" in content or plain < _MIN_LETTER_SHARE * len(content):
        raise DocumentError(_BINARY)
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")


_CONTROL_BYTES = bytes([*range(9), *range(14, 32), 127])
_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123)) + b" "
