"""E-mail and mailboxes: who wrote what to whom, and the text. Attachments are named, never opened.

Headers come as the first lines. Of alternatives, plain text is read; HTML where it says much more.
Messages within a message follow it, each with its own headers.
"""

import re
from collections import deque
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from typing import TypeAlias

from quoth.errors import DocumentError
from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders.assembly import Assembly
from quoth.retrieval.loaders.composing import one_line
from quoth.retrieval.loaders.decode import decode_as, decode_text
from quoth.retrieval.loaders.html import html_document
from quoth.retrieval.loaders.plain import load_plain

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_MAX_HEADER = 10_000  # characters; lists of recipients can be longer than the mail
_SAYS_MORE = 4  # HTML with so many times the words of the plain text is read in its place
_INLINE = frozenset({"multipart", "image", "text"})  # without a name, these are part of the page
_STYLES = frozenset({"text/css", "text/javascript"})
_MBOX_FROM = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\n]*\n")
_ESCAPED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)

_Message: TypeAlias = "Message[str, str]"


class _Policy(Compat32):
    """Headers as they stand, and no longer than can be meant: parsing them is quadratic.

    `email.policy.default`, which parses addresses too, takes more than that, and fails on some.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_MAX_HEADER]


_POLICY = _Policy()


def load_email(content: bytes, limits: LoadLimits) -> LoadedDocument:
    """Load a message (RFC 5322, MIME); the title is its subject."""
    try:
        message = message_from_bytes(content, policy=_POLICY)
    except RecursionError:  # parts nested by the hundred
        return load_plain(content, limits)
    if not any(_header(message, name) for name in (*_SHOWN, "Content-Type", "Message-ID")):
        return load_plain(content, limits)
    assembly = Assembly(limits)
    starts = _append_message(assembly, message)
    if len(starts) > 1:
        _number(assembly, starts)
    return assembly.document(format="email", title=_header(message, "Subject"))


def load_mbox(content: bytes, limits: LoadLimits) -> LoadedDocument:
    """Load a mailbox: messages in a file, each after a line that begins with "From "."""
    borders = list(_MBOX_FROM.finditer(content))
    if not borders:
        return load_email(content, limits)
    assembly = Assembly(limits)
    starts: list[int] = []
    ends = [border.start() for border in borders[1:]] + [len(content)]
    for border, end in zip(borders, ends, strict=True):
        raw = _ESCAPED_FROM.sub(rb"\1", content[border.end() : end])
        try:
            starts += _append_message(assembly, message_from_bytes(raw, policy=_POLICY))
        except RecursionError:
            starts.append(assembly.append(decode_text(raw))[0])
    _number(assembly, starts)
    return assembly.document(format="email")


def _number(assembly: Assembly, starts: list[int]) -> None:
    for number, start in enumerate(starts, 1):
        assembly.locate(start, f"message {number}")


def _append_message(assembly: Assembly, message: _Message) -> list[int]:
    """Append a message and those within it; where each begins."""
    starts = []
    waiting = deque([message])
    while waiting:
        current = waiting.popleft()
        start = _append_headers(assembly, current)
        starts.append(start)
        for part in _parts(current):
            if part.get_content_type() == "message/rfc822":
                waiting.extend(_inner_messages(part))
            else:
                _append_part(assembly, part)
        if assembly.length <= start:
            starts.pop()  # it says nothing at all
    return starts


def _append_headers(assembly: Assembly, message: _Message) -> int:
    values = {name: _header(message, name) for name in _SHOWN}
    lines = "\n".join(f"{name}: {value}" for name, value in values.items() if value)
    gap = 2 if assembly.length else 0
    start, end = assembly.append(lines, gap=2)
    if end > start:
        assembly.head(start, end, level=1, title=values["Subject"])
        return start
    return assembly.length + gap


def _inner_messages(part: _Message) -> list[_Message]:
    inner = part.get_payload() if part.is_multipart() else []
    return [each for each in inner if isinstance(each, Message)]


def _parts(message: _Message) -> Iterator[_Message]:
    """Leaves in order; of alternatives the one that is read. Parts may nest deep."""
    todo = [message]
    counted: dict[int, int] = {}
    while todo:
        part = todo.pop()
        inner = _inner_messages(part)
        if not inner or part.get_content_type() == "message/rfc822":
            yield part
        elif part.get_content_type() == "multipart/alternative":
            todo.append(_preferred(inner, counted))
        else:
            todo.extend(reversed(inner))


def _preferred(alternatives: list[_Message], counted: dict[int, int]) -> _Message:
    """Plain text, or HTML that says much more: some plain texts only ask for another program."""
    plain = next((part for part in alternatives if part.get_content_type() == "text/plain"), None)
    rich = next((part for part in reversed(alternatives) if _is_rich(part)), None)
    if plain is None or rich is None:
        return plain or rich or alternatives[-1]
    in_plain, in_rich = _num_words(plain, counted), _num_words(rich, counted)
    return plain if in_plain * _SAYS_MORE >= in_rich else rich


def _is_rich(part: _Message) -> bool:
    """HTML, or HTML with its images; no calendar entry."""
    return part.get_content_type() == "text/html" or part.get_content_maintype() == "multipart"


def _num_words(part: _Message, counted: dict[int, int]) -> int:
    """Words in all the text of `part`; nothing is chosen here, or nesting would double the work.

    `counted` holds them by the `id()` of each leaf: alternatives nest, and are weighed each time.
    """
    leaves = [leaf for leaf in part.walk() if _is_text(leaf)]
    for leaf in leaves:
        if id(leaf) not in counted:
            counted[id(leaf)] = len(_words(leaf).split())
    return sum(counted[id(leaf)] for leaf in leaves)


def _words(leaf: _Message) -> str:
    try:
        return _part_document(leaf).text
    except DocumentError:
        return ""


def _append_part(assembly: Assembly, part: _Message) -> None:
    if not _is_text(part):
        name = _file_name(part)
        if name or part.get_content_maintype() not in _INLINE:
            assembly.append(f"Attachment: {name or 'without a name'} ({part.get_content_type()})")
        return
    try:
        assembly.append_document(_part_document(part), deeper=1)
    except DocumentError:
        if assembly.is_full:
            raise
        assembly.append(f"A part that is not readable ({part.get_content_type()})")


def _is_text(part: _Message) -> bool:
    is_attached = part.get_content_disposition() == "attachment" or bool(_file_name(part))
    is_said = part.get_content_maintype() == "text" and part.get_content_type() not in _STYLES
    return is_said and not is_attached


def _part_document(part: _Message) -> LoadedDocument:
    """The text of a leaf.

    Raises:
        DocumentError: It is binary.
    """
    try:
        payload = part.get_payload(decode=True)
    except (LookupError, ValueError) as error:  # of encodings that do not exist
        raise DocumentError("not readable in its encoding") from error
    content = payload if isinstance(payload, bytes) else b""
    charset = part.get_param("charset", "", header="content-type")
    named = decode_as(content, charset.strip()) if isinstance(charset, str) and charset else None
    text = decode_text(content) if named is None else named
    if part.get_content_type() == "text/html":
        return html_document(text, is_page=False, marks_quotes=True)
    return LoadedDocument(text=canonical_text(text).strip("\n").rstrip(), format="email")


def _file_name(part: _Message) -> str:
    try:
        return one_line(_decoded(part.get_filename() or ""))
    except (LookupError, ValueError, TypeError):  # of parameters in encodings that do not exist
        return "without a readable name"


def _header(message: _Message, name: str) -> str:
    """A header as it is meant to be read; empty where there is none."""
    raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return one_line(_decoded(str(raw)))


def _decoded(raw: str) -> str:
    """A header with its encoded words (RFC 2047) decoded; raw bytes are UTF-8 or Windows-1252."""
    content = raw.encode("utf-8", "surrogateescape")
    text = decode_as(content, "utf-8")
    text = content.decode("cp1252", "replace") if text is None else text
    try:
        words = decode_header(text)
    except (MessageError, ValueError):  # binascii.Error is a ValueError
        return text
    return "".join(_word(word, charset) for word, charset in words)


def _word(word: str | bytes, charset: str | None) -> str:
    if isinstance(word, str):
        return word
    text = decode_as(word, charset or "latin-1")
    return word.decode("utf-8", "replace") if text is None else text
