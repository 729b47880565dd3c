"""A domain to ask about: its documents and its questions, and how they are written to a folder."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

HELD_OUT_SHARE = 0.06  # of groups and documents, as every recipe of training has it
ANSWERABLE, UNANSWERABLE = 190, 60  # questions of a domain, at most
LEFT_OUT_QUESTIONS = 30  # wanted of documents that are left out
LEFT_OUT_SHARE = 0.35  # of all questions, at most
LEFT_OUT_DOCUMENTS = 0.55  # of all documents, at most
_HASH = re.compile(r"[0-9a-f]{64}")
Row = dict[str, Any]  # as `quoth eval answers` reads them
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """`documents` are texts, or files to copy, by name; `questions` are rows."""

    name: str
    documents: Mapping[str, str | Path]
    questions: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What one document comes to: a title's contexts, and the questions that they answer."""

    name: str  # of the file
    contexts: tuple[str, ...]
    questions: tuple[Row, ...]  # with `question` and `answers`


def domain_of(name: str, groups: Sequence[Group]) -> Domain:
    """A domain whose unanswerable questions are those of documents that are left out.

    Which documents these are, and which questions are drawn, is decided by hashes. Nobody has read
    whether another document answers a question of one that was left out.
    """
    left_out = {group.name for group in _left_out(groups)}
    kept = [group for group in groups if group.name not in left_out]
    answerable = [{**row, "document": group.name} for group in kept for row in group.questions]
    unanswerable = [
        {**row, "answers": []}
        for group in groups
        if group.name in left_out
        for row in group.questions
    ]
    drawn = [*_drawn(answerable, ANSWERABLE), *_drawn(unanswerable, UNANSWERABLE)]
    return Domain(
        name=name,
        documents={group.name: "\n\n".join(group.contexts) + "\n" for group in kept},
        questions=numbered(name, drawn),
    )


def gathered(rows: Iterable[tuple[str, str, Row]]) -> list[Group]:
    """Groups of (name of the document, context, question), in the order of the rows.

    The same question of the same document comes once, and all of its answers will do.
    """
    groups: dict[str, Group] = {}
    for name, context, row in rows:
        known = groups.get(name, Group(name=name, contexts=(), questions=()))
        contexts = dict.fromkeys((*known.contexts, context))
        questions = {one["question"]: one for one in known.questions}
        answers = questions.get(row["question"], row)["answers"]
        merged = {**row, "answers": list(dict.fromkeys([*answers, *row["answers"]]))}
        questions[row["question"]] = merged
        groups[name] = replace(known, contexts=tuple(contexts), questions=tuple(questions.values()))
    return list(groups.values())


def numbered(name: str, rows: Iterable[Row]) -> list[Row]:
    """The rows with their domain and an id that depends on nothing else."""
    return [
        {"id": f"{name}-{_digest(repr(sorted(row.items())))[:10]}", "domain": name, **row}
        for row in rows
    ]


def by_chance(items: Iterable[_T], key: str) -> list[_T]:
    """The items in an order that looks like chance and is the same everywhere; by a field."""
    return sorted(items, key=lambda item: _digest(str(_field(item, key))))


def file_name(title: str, suffix: str = ".txt") -> str:
    """A plain file name for a title."""
    if _HASH.fullmatch(title):
        title = title[:12]
    stem = "".join(char if char.isalnum() or char in ".-" else "-" for char in title)
    return f"{stem[:80].strip('.-')}{suffix}"


def write(domain: Domain, folder: Path) -> None:
    """Write `docs/` and `questions.jsonl` into the folder, which must not be there yet."""
    for name, content in domain.documents.items():
        if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
            raise ValueError(f"not a name below the folder: {name!r}")
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, path)  # a link that leads out would not be indexed
        else:
            path.write_text(content, encoding="utf-8")
    with (folder / "questions.jsonl").open("x", encoding="utf-8") as file:
        for row in domain.questions:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _left_out(groups: Sequence[Group]) -> list[Group]:
    """A tenth of the documents or more, until there are questions enough; never too many."""
    allowed = LEFT_OUT_SHARE * sum(len(group.questions) for group in groups)
    chosen: list[Group] = []
    for group in by_chance(groups, "name"):
        questions = sum(len(one.questions) for one in chosen)
        if len(chosen) >= len(groups) / 10 and questions >= LEFT_OUT_QUESTIONS:
            break
        is_room = len(chosen) + 1 <= LEFT_OUT_DOCUMENTS * len(groups)
        if is_room and questions + len(group.questions) <= allowed:
            chosen.append(group)
    return chosen


def _drawn(rows: Sequence[Row], limit: int) -> list[Row]:
    return by_chance(rows, "question")[:limit]


def _field(item: object, key: str) -> object:
    return item[key] if isinstance(item, dict) else getattr(item, key)


def _digest(text: str) -> str:
    return hashlib.sha256(f"drawn:{text}".encode()).hexdigest()
