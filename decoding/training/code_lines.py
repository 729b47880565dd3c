"""Commands, code and rows of tables as answers, with the line before that names their purpose."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from quoth.decoding.training.sentences import Range

_FENCED = re.compile(r"^[ \t]*```[^\n`]*\n(?P<code>.+?)\n[ \t]*```", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"::\n\n(?P<code>(?:(?: {2,}|\t)[^\n]+(?:\n|$))+)")
_PURPOSES = (
    re.compile(r"\b[Tt]o ([a-z]{3,} [^,.:\n]{4,60}?)(?:,|:| use | run )"),
    re.compile(r"\b[Yy]ou can(?: also)? ([a-z]{3,} [^,.:\n]{4,60}?)(?: by | using | with |:)"),
    re.compile(r"\b[Tt]his (?:command|example) (?:shows how to )?([a-z]{3,} [^,.:\n]{4,60}?)[.:,]"),
)
_COMMAND_FRAMES = (
    "How do I {}?",
    "Which command do I use to {}?",
    "command to {}",
    "what do I type to {}?",
    "What is the command to {}?",
)
_CODE_FRAMES = (
    "How do I {}?",
    "how to {} in code",
    "Show me how to {}.",
    "code to {}",
    "How can I {}?",
)
_PROMPT = re.compile(r"^(?:[$>]|PS\S*>|>>>|C:\\\S*>)\s*")
_COMMAND = re.compile(
    r"(?:\$ |PS|uv |pip |python3? |git |cargo |etcdctl|curl |docker |[A-Z][a-z]+-[A-Z])"
)
_NO_PURPOSE = re.compile(
    r"^(?:the|an?|this|that|its|their|your|our|have|be|all|any|each|it|do|see|note|make it|which"
    r"|what)\b"
    r"|\b(?:this|so|it|that|them|in the following|as follows|the following|below)$"
)
_MAX_CHARS = 220
_MIN_CHARS = 6
_ROW = re.compile(r"^\|.+\|[ \t]*$", re.MULTILINE)
_ROW_FRAMES = ("What is {}?", "{}", "What does the table say about {}?", "{}?", "what does {} mean")
_BORDER = re.compile(r"[\s|:-]+")


def code_question(passage: str, rng: random.Random) -> tuple[str, Range] | None:
    """A question for what the code of a passage does, and the code."""
    blocks = [*_FENCED.finditer(passage), *_INDENTED.finditer(passage)]
    rng.shuffle(blocks)
    for block in blocks:
        start, end = _inner(passage, *block.span("code"))
        before = passage[: block.start() + 2].rstrip("`")
        if not _MIN_CHARS <= end - start <= _MAX_CHARS:
            continue
        purpose = _purpose(" ".join(before.split())[-200:])
        if purpose:
            is_command = bool(_COMMAND.match(passage[start:end]))
            frames = _COMMAND_FRAMES if is_command else _CODE_FRAMES
            return rng.choice(frames).format(purpose), (start, end)
    return None


def row_question(passage: str, rng: random.Random) -> tuple[str, Range] | None:
    """A question for one row of a table, by the row's first cell and a column's name."""
    rows = [match.span() for match in _ROW.finditer(passage)]
    cells = [
        [cell.strip("`* ") for cell in passage[s + 1 : e].strip("| ").split("|")] for s, e in rows
    ]
    if len(rows) < 3 or not _BORDER.fullmatch(passage[slice(*rows[1])]):
        return None
    place = rng.randrange(2, len(rows))
    first, *others = cells[place]
    first = first.replace("`", "").replace("*", "")
    if not 2 <= len(first) <= 40 or len("".join(others)) < 8 or len(cells[0]) != len(cells[place]):
        return None
    if rng.random() < 0.5 and len(cells[0]) > 1:
        return f"What is the {cells[0][1].lower()} of {first}?", rows[place]
    return rng.choice(_ROW_FRAMES).format(first), rows[place]


def _base(verb: str) -> str:
    if not verb.endswith("s") or verb.endswith("ss"):
        return verb
    return verb[:-2] if verb.endswith(("sses", "shes", "ches", "xes")) else verb[:-1]


def _inner(passage: str, start: int, end: int) -> Range:
    """The code without white space, comments above it and the shell's prompt."""
    while start < end and passage[start].isspace():
        start += 1
    while end > start and passage[end - 1].isspace():
        end -= 1
    prompt = _PROMPT.match(passage[start:end])
    if prompt and "\n" not in passage[start:end]:
        start += prompt.end()
    return start, end


def _purpose(before: str) -> str | None:
    found = [match for pattern in _PURPOSES for match in pattern.finditer(before)]
    last = max(found, key=lambda match: match.start(), default=None)
    if last is None or _NO_PURPOSE.search(last[1]):
        return None
    verb, rest = last[1].strip().split(" ", 1)
    return f"{_base(verb)} {rest}"
