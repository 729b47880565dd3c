"""Numbers and dates of spreadsheet cells as the program shows them, from their format codes.

ECMA-376 part 1, 18.8.30 and 18.8.31. Day and month names are English, and the two built-in dates
whose form depends on the reader's country are written as ISO dates. What a code says that is not
understood here (fractions, digits with text between them) is shown as a plain number.
"""

import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache
from typing import NamedTuple

GENERAL = "General"
BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00",
    12: "# ?/?", 13: "# ??/??", 14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy",
    18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm",
    37: "#,##0_);(#,##0)", 38: "#,##0_);(#,##0)", 39: "#,##0.00_);(#,##0.00)",
    40: "#,##0.00_);(#,##0.00)", 41: '#,##0_);(#,##0);"-"_)', 42: '$#,##0_);($#,##0);$"-"_)',
    43: '#,##0.00_);(#,##0.00);"-"??_)', 44: '$#,##0.00_);($#,##0.00);$"-"??_)',
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
}  # fmt: skip
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_.|\*.|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<general>General)|(?P<half>AM/PM|A/P)|(?P<date>y+|m+|d+|h+|s+|e+(?![+-]))(?P<fraction>\.0+)?"
    r"|(?P<digits>[0#?.,%/]+(?:E[+-][0#?]+)?)|(?P<other>.)",
    re.ASCII | re.IGNORECASE | re.DOTALL,  # else ſ is an s
)
_ELAPSED = re.compile(r"h+|m+|s+", re.ASCII | re.IGNORECASE)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_MAX_EXACT = 10**15  # larger integers have lost digits already
_LEAP_BUG = 60  # the serial of 29 February 1900, which never was
_MAX_SERIAL = 2_958_465  # 31 December 9999
_FIRST_OF_1904 = 1_462  # the serial, counted from 1900
_MAX_CODE = 255  # characters; Excel allows no more
_MAX_DECIMALS = 30


class _Token(NamedTuple):
    kind: str  # "text", "date", "elapsed", "half", "digits", "general"
    text: str


def shown_number(value: float, code: str, *, from_1904: bool = False) -> str:
    """`value` as a cell with the format `code` shows it."""
    sections = _sections(code[:_MAX_CODE])
    place = _section_of(value, len(sections))
    tokens = sections[place]
    if any(token.kind in {"date", "elapsed"} for token in tokens):
        return _shown_date(value, tokens, from_1904=from_1904)
    if not tokens:
        return ""
    is_signed = place == 0 and value < 0
    return ("-" if is_signed else "") + _shown_plain(abs(value), tokens)


def general_number(value: float) -> str:
    """`value` as a cell without a format shows it; integers with all their digits."""
    if value == int(value) and abs(value) < _MAX_EXACT:
        return str(int(value))
    short = f"{value:.10g}"
    return f"{Decimal(short):f}" if 1e-5 <= abs(value) < 1e11 else short.upper()


def _section_of(value: float, count: int) -> int:
    """Codes have up to four sections: positive; negative; zero; text."""
    if value < 0 and count > 1:
        return 1
    return 2 if value == 0 and count > 2 else 0


@lru_cache(maxsize=1024)
def _sections(code: str) -> tuple[tuple[_Token, ...], ...]:
    sections: list[list[_Token]] = [[]]
    for match in _TOKEN.finditer(code):
        if match["other"] == ";":
            sections.append([])
        else:
            sections[-1] += _tokens(match)
    return tuple(tuple(section) for section in sections)


def _tokens(match: re.Match[str]) -> list[_Token]:
    for kind in ("general", "half", "digits"):
        if match[kind]:
            return [_Token(kind, match[kind])]
    if match["date"]:
        fraction = [_Token("text", "")] if match["fraction"] else []
        return [_Token("date", match["date"].lower()), *fraction]
    bracket = match["bracket"]
    if bracket is not None:
        if _ELAPSED.fullmatch(bracket):
            return [_Token("elapsed", bracket.lower())]
        currency = bracket[1:].partition("-")[0] if bracket.startswith("$") else ""
        return [_Token("text", currency)] if currency else []
    literal = match["quoted"] or match["escaped"] or match["other"] or ""
    return [_Token("text", literal)]


def _shown_plain(value: float, tokens: tuple[_Token, ...]) -> str:
    numbers = [token for token in tokens if token.kind in {"digits", "general"}]
    if len(numbers) > 1 or any("/" in token.text for token in numbers):
        return general_number(value)
    pieces = []
    for token in tokens:
        if token.kind == "general":
            pieces.append(general_number(value))
        elif token.kind == "digits":
            pieces.append(_digits(value, token.text))
        elif token.text != "@":
            pieces.append(token.text)
        else:
            pieces.append(general_number(value))
    return "".join(pieces)


def _digits(value: float, pattern: str) -> str:
    """`value`, not negative, by a pattern such as `#,##0.00%`."""
    percents = pattern.count("%")
    body, _, exponent = pattern.replace("%", "").upper().partition("E")
    whole, _, decimals = body.partition(".")
    decimals = decimals.replace(",", "")[:_MAX_DECIMALS]
    if exponent:
        return f"{value:.{len(decimals)}E}" + "%" * percents
    trailing = len(body) - len(body.rstrip(","))
    if not re.search(r"[0#?]", body):
        return "%" * percents
    with localcontext(prec=1000):
        scaled = Decimal(repr(value)).scaleb(2 * percents - 3 * trailing)
        rounded = scaled.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    grouped = "," if "," in whole.rstrip(",") else ""
    left, _, right = f"{rounded:{grouped}f}".partition(".")
    while right and right[-1] == "0" and decimals[len(right) - 1] != "0":
        right = right[:-1]
    left = left.zfill(whole.count("0")) if left != "0" or "0" in whole else ""
    return left + (f".{right}" if right else "") + "%" * percents


def _shown_date(value: float, tokens: tuple[_Token, ...], *, from_1904: bool) -> str:
    if not 0 <= value <= _MAX_SERIAL - _FIRST_OF_1904 * from_1904:
        return general_number(value)
    moment = _moment(value, from_1904=from_1904)
    is_half = any(token.kind == "half" for token in tokens)
    pieces = []
    for place, token in enumerate(tokens):
        if token.kind == "half":
            pieces.append("AM" if moment.hour < 12 else "PM")
        elif token.kind == "elapsed":
            pieces.append(_elapsed(value, token.text))
        elif token.kind == "date":
            is_minute = token.text in {"m", "mm"} and _is_minute(tokens, place)
            pieces.append(_date_part(moment, token.text, is_minute=is_minute, is_half=is_half))
        else:
            pieces.append(token.text)
    return "".join(pieces).strip()


def _moment(serial: float, *, from_1904: bool) -> datetime:
    """The time that a serial number stands for, to the second."""
    first = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)  # noqa: DTZ001
    if not from_1904 and serial < _LEAP_BUG:
        first += timedelta(days=1)
    return first + timedelta(seconds=round(serial * 86_400))


def _is_minute(tokens: tuple[_Token, ...], place: int) -> bool:
    """Whether an `m` follows hours or comes before seconds: then it is no month."""
    parts = [at for at, token in enumerate(tokens) if token.kind in {"date", "elapsed"}]
    at = parts.index(place)
    before = tokens[parts[at - 1]].text if at else ""
    after = tokens[parts[at + 1]].text if at + 1 < len(parts) else ""
    return before.startswith("h") or after.startswith("s")


def _elapsed(value: float, text: str) -> str:
    per_day = {"h": 24, "m": 24 * 60, "s": 24 * 60 * 60}[text[0]]
    seconds = round(value * 86_400)
    return str(seconds * per_day // 86_400).zfill(len(text))


def _date_part(moment: datetime, text: str, *, is_minute: bool, is_half: bool) -> str:
    size = len(text)
    hour = (moment.hour - 1) % 12 + 1 if is_half else moment.hour
    number = {
        "y": moment.year if size > 2 else moment.year % 100,
        "e": moment.year,
        "m": moment.minute if is_minute else moment.month,
        "d": moment.day,
        "h": hour,
        "s": moment.second,
    }[text[0]]
    name = {"d": _DAYS[moment.weekday()], "m": _MONTHS[moment.month - 1]}.get(text[0])
    if name and size > 2 and not is_minute:
        return name[:3] if size == 3 else name[0] if size == 5 else name
    return str(number).zfill(2 if text[0] in "ye" else min(size, 2))
