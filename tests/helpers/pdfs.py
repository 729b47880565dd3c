"""PDF files written byte by byte, so that tests know every word, place and password in them."""

import hashlib
from collections.abc import Sequence

_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
_FILE_ID = bytes(range(16))
LEFT, TOP, SIZE, LEADING = 72, 720, 12, 14

# x, y of the baseline, text, and if not as the rest: font (F1 Helvetica, F2 bold), size
Line = tuple[float, float, str] | tuple[float, float, str, str, int]


def paragraph(lines: Sequence[str], *, top: float = TOP, left: float = LEFT) -> list[Line]:
    """Lines below each other, as a typesetter puts them."""
    return [(left, top - LEADING * place, line) for place, line in enumerate(lines)]


def table(
    rows: Sequence[Sequence[str]], *, top: float = TOP, columns: Sequence[float] = (72, 350, 450)
) -> list[Line]:
    """Rows with a cell at the left edge of each column; empty cells draw nothing."""
    return [
        (left, top - LEADING * place, cell)
        for place, row in enumerate(rows)
        for left, cell in zip(columns, row, strict=False)
        if cell
    ]


def bold(line: Line, size: int = SIZE) -> Line:
    """The same line in bold."""
    return (line[0], line[1], line[2], "F2", size)


def make_pdf(
    pages: Sequence[Sequence[Line]],
    *,
    password: str | None = None,
    title: str = "",
    outline: Sequence[tuple[str, int]] = (),
) -> bytes:
    """A PDF in Helvetica 12; encrypted (RC4, 40 bits) if there is a password."""
    objects: dict[int, bytes] = {}
    kids = [10 + 2 * number for number in range(len(pages))]
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R%s >>" % (b" /Outlines 5 0 R" if outline else b"")
    listed = b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[2] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (listed, len(pages))
    objects[3] = (
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    )
    objects[7] = objects[3].replace(b"Helvetica", b"Helvetica-Bold")
    key = _key(password) if password is not None else None
    objects[4] = b"<< /Title %s >>" % _string(title, key, 4)
    for kid, lines in zip(kids, pages, strict=True):
        objects[kid] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R /F2 7 0 R >> >> >>" % (kid + 1)
        )
        content = _crypt(_content(lines), key, kid + 1)
        head = b"<< /Length %d >>\nstream\n" % len(content)
        objects[kid + 1] = head + content + b"\nendstream"
    objects |= _outline(outline, kids, key)
    if password is not None:
        objects[6] = _encryption(password)
    return _file(objects, encrypted=password is not None)


def _content(lines: Sequence[Line]) -> bytes:
    return b"\n".join(
        b"BT /%s %d Tf 1 0 0 1 %.2f %.2f Tm (%s) Tj ET" % _drawn(*line) for line in lines
    )


def _drawn(
    x: float, y: float, text: str, font: str = "F1", size: int = SIZE
) -> tuple[bytes, int, float, float, bytes]:
    return font.encode(), size, x, y, _escaped(text)


def _escaped(text: str) -> bytes:
    content = text.encode("cp1252")
    return content.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _outline(
    entries: Sequence[tuple[str, int]], kids: Sequence[int], key: bytes | None
) -> dict[int, bytes]:
    if not entries:
        return {}
    first = 1000
    last = first + len(entries) - 1
    objects = {5: b"<< /First %d 0 R /Last %d 0 R /Count %d >>" % (first, last, len(entries))}
    for number, (title, page) in enumerate(entries, start=first):
        after = b" /Next %d 0 R" % (number + 1) if number < last else b""
        objects[number] = b"<< /Title %s /Parent 5 0 R /Dest [%d 0 R /Fit]%s >>" % (
            _string(title, key, number), kids[page], after,
        )  # fmt: skip
    return objects


def _file(objects: dict[int, bytes], *, encrypted: bool) -> bytes:
    content = bytearray(b"%PDF-1.4\n")
    places = {}
    for number in sorted(objects):
        places[number] = len(content)
        content += b"%d 0 obj\n" % number + objects[number] + b"\nendobj\n"
    start = len(content)
    size = max(objects) + 1
    content += b"xref\n0 1\n0000000000 65535 f \n"
    for number in sorted(objects):
        content += b"%d 1\n%010d 00000 n \n" % (number, places[number])
    identity = _FILE_ID.hex().encode()
    trailer = b"/Size %d /Root 1 0 R /Info 4 0 R /ID [<%s> <%s>]" % (size, identity, identity)
    if encrypted:
        trailer += b" /Encrypt 6 0 R"
    content += b"trailer\n<< %s >>\nstartxref\n%d\n%%%%EOF\n" % (trailer, start)
    return bytes(content)


def _string(text: str, key: bytes | None, number: int) -> bytes:
    return b"<%s>" % _crypt(text.encode("cp1252"), key, number).hex().encode()


# The standard security handler, revision 2 (PDF reference 1.7, 7.6.3)


def _padded(password: str) -> bytes:
    return (password.encode("latin-1") + _PADDING)[:32]


def _owner_entry(password: str) -> bytes:
    return _rc4(hashlib.md5(_padded(password)).digest()[:5], _padded(password))


def _key(password: str) -> bytes:
    permissions = (-4).to_bytes(4, "little", signed=True)
    content = _padded(password) + _owner_entry(password) + permissions + _FILE_ID
    return hashlib.md5(content).digest()[:5]


def _encryption(password: str) -> bytes:
    user = _rc4(_key(password), _PADDING)
    return b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >>" % (
        _owner_entry(password).hex().encode(), user.hex().encode(),
    )  # fmt: skip


def _crypt(content: bytes, key: bytes | None, number: int) -> bytes:
    if key is None:
        return content
    salted = key + number.to_bytes(3, "little") + b"\0\0"
    return _rc4(hashlib.md5(salted).digest()[:10], content)


def _rc4(key: bytes, content: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    output = bytearray()
    i = j = 0
    for byte in content:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        output.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(output)
