"""A draft: guessed tokens in one type for chains and trees.

Node `i` carries `tokens[i]`, follows the node `parents[i]` (`ROOT` = the last token that is already
in the text), and knows where it was copied from in `origins[i]`. A parent always stands before its
children. This module knows no model and no drafter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

ROOT = -1
_SOURCES = ("reference", "prompt", "output")
_NAMES = (str, type(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The place a drafted token was copied from.

    `position` counts within the reference, the prompt or the output, whichever `source` names.

    Raises:
        ValueError: A field has not the type or value that it says.
    """

    source: Literal["reference", "prompt", "output"]
    position: int
    reference_id: str | None = None

    def __post_init__(self) -> None:
        if self.source not in _SOURCES or type(self.position) is not int:
            raise ValueError(f"{self.source!r}, {self.position!r} is no place to copy from")
        if type(self.reference_id) not in _NAMES:
            raise ValueError(f"the id of a reference is a string, not {self.reference_id!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Guessed tokens as a tree; a chain is a tree whose parents are -1, 0, 1, ...

    `chances` may say how likely each node is right together with all nodes above it, from 0 to 1;
    empty: nothing is known.

    Example: the two guesses "a b" and "a c" are tokens (a, b, c) with parents (-1, 0, 0).

    Raises:
        ValueError: The tuples differ in length, or a parent does not precede its child.
    """

    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    origins: tuple[Origin | None, ...]
    chances: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.tokens) == len(self.parents) == len(self.origins):
            raise ValueError(
                f"a draft of {len(self.tokens)} tokens has {len(self.parents)} parents "
                f"and {len(self.origins)} origins"
            )
        if self.chances and len(self.chances) != len(self.tokens):
            raise ValueError(
                f"a draft of {len(self.tokens)} tokens has {len(self.chances)} chances"
            )
        for node, parent in enumerate(self.parents):
            if not ROOT <= parent < node:
                raise ValueError(f"node {node} of a draft has the parent {parent}")

    @classmethod
    def chain(cls, tokens: Sequence[int], origins: Sequence[Origin | None] | None = None) -> Self:
        """A draft without forks."""
        return cls(
            tokens=tuple(tokens),
            parents=tuple(range(ROOT, len(tokens) - 1)),
            origins=(None,) * len(tokens) if origins is None else tuple(origins),
        )

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def is_chain(self) -> bool:
        """Whether every node follows the one before it."""
        return self.parents == tuple(range(ROOT, len(self.parents) - 1))

    @property
    def first_line(self) -> list[int]:
        """The nodes from the root always to the first child: what is left without forks."""
        nodes: list[int] = []
        last = ROOT
        for node, parent in enumerate(self.parents):
            if parent == last:
                nodes.append(node)
                last = node
        return nodes

    def first_chain(self) -> "Draft":
        """The nodes of `first_line`."""
        return self if self.is_chain else self.only(self.first_line)

    def first(self, number: int) -> "Draft":
        """The first nodes, which have all their parents."""
        if number == len(self.tokens):
            return self
        return Draft(
            tokens=self.tokens[:number],
            parents=self.parents[:number],
            origins=self.origins[:number],
            chances=self.chances[:number],
        )

    @property
    def depths(self) -> list[int]:
        """How far behind the last token of the text that token (0) and each node stands."""
        depths = [0]
        for parent in self.parents:
            depths.append(depths[parent + 1] + 1)
        return depths

    @property
    def paths(self) -> list[list[int]]:
        """The nodes from the root down to each leaf; of an empty draft one empty path."""
        ways: list[list[int]] = [[]]  # down to the root and each node
        for node, parent in enumerate(self.parents):
            ways.append([*ways[parent + 1], node])
        inner = {ROOT, *self.parents} if self.parents else set()
        return [way for node, way in enumerate(ways, start=ROOT) if node not in inner]

    @property
    def num_paths(self) -> int:
        """How many branches it has; an empty draft and a chain have one."""
        return max(1, len(self.parents) - len({*self.parents} - {ROOT}))

    def only(self, nodes: Sequence[int]) -> "Draft":
        """These nodes, in rising order, with all that stand above them."""
        number = {ROOT: ROOT} | {node: place for place, node in enumerate(nodes)}
        return Draft(
            tokens=tuple(self.tokens[node] for node in nodes),
            parents=tuple(number[self.parents[node]] for node in nodes),
            origins=tuple(self.origins[node] for node in nodes),
            chances=tuple(self.chances[node] for node in nodes) if self.chances else (),
        )

    def child(self, node: int, token: int) -> int | None:
        """The child of `node` that carries `token`, if there is one."""
        for index in range(node + 1, len(self.tokens)):
            if self.parents[index] == node and self.tokens[index] == token:
                return index
        return None


NO_DRAFT = Draft(tokens=(), parents=(), origins=())
