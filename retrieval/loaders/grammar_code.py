"""Classes and functions of languages other than Python, by their tree-sitter grammars.

The grammars are wheels of the extra `code`; nothing is fetched. Where one is not installed, source
is read as `code.py` reads it: definitions at the left margin.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders.code import code_document
from quoth.retrieval.loaders.decode import decode_text
from quoth.retrieval.loaders.registry import Loader
from quoth.retrieval.loaders.symbols import Symbol, document_of

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_CHARS = 4_000_000  # a larger file is data; its tree would take gigabytes
_MOST_STEPS = 300  # up, or to what stands above: each is searched for from the root
_FUNCTIONS = frozenset(
    {
        "function_definition", "function_declaration", "generator_function_declaration",
        "function_item", "method_definition", "method_declaration", "constructor_declaration",
        "method", "singleton_method", "macro_definition",
    }
)  # fmt: skip
_SCOPES = frozenset(
    {
        "class", "module", "class_declaration", "abstract_class_declaration", "class_specifier",
        "struct_specifier", "union_specifier", "enum_specifier", "interface_declaration",
        "enum_declaration", "record_declaration", "struct_declaration", "trait_declaration",
        "namespace_definition", "namespace_declaration", "internal_module", "impl_item",
        "mod_item", "trait_item", "struct_item", "enum_item", "union_item", "type_spec",
    }
)  # fmt: skip
_WITHOUT_BODY = frozenset({"method", "singleton_method", "macro_definition", "class", "module"})
_BODIES = frozenset({"struct_type", "interface_type"})  # of Go's types
_CLOSURES = frozenset({"arrow_function", "function_expression", "generator_function"})
_WRAPPERS = frozenset(
    {
        "export_statement", "template_declaration", "lexical_declaration", "variable_declaration",
        "type_declaration", "ambient_declaration",
    }
)  # fmt: skip
_ABOVE = frozenset({"comment", "line_comment", "block_comment", "attribute_item", "decorator"})
_MODIFIERS = re.compile(r"[\w \t]{0,80}")


def _loader(grammar: str, variant: str = "") -> Loader:
    """A loader for the language of the module `tree_sitter_<grammar>`."""

    def load(content: bytes, limits: LoadLimits) -> LoadedDocument:  # noqa: ARG001 - a Loader
        text = canonical_text(decode_text(content))
        module = f"tree_sitter_{grammar}"
        if len(text) > _MAX_CHARS or not (find_spec("tree_sitter") and find_spec(module)):
            return code_document(text)
        symbols = list(_symbols(text, module, f"language{variant}"))
        return document_of(text, symbols) if symbols else code_document(text)

    return load


load_c = _loader("c")
load_cpp = _loader("cpp")
load_c_sharp = _loader("c_sharp")
load_go = _loader("go")
load_java = _loader("java")
load_javascript = _loader("javascript")
load_php = _loader("php", "_php")
load_ruby = _loader("ruby")
load_rust = _loader("rust")
load_tsx = _loader("typescript", "_tsx")
load_typescript = _loader("typescript", "_typescript")


def _symbols(text: str, module: str, language: str) -> Iterator[Symbol]:
    """Definitions in order; functions within functions stay with them."""
    from tree_sitter import Language, Parser

    source = text.encode()
    tree = Parser(Language(getattr(import_module(module), language)())).parse(source)
    places = _Places(text, source)
    todo: list[tuple[Node, int]] = [(tree.root_node, 0)]
    while todo:
        node, depth = todo.pop()
        name = _name(node)
        if name is not None and not name.is_missing:  # where the parser mends broken code
            yield places.symbol(node, name, depth)
            if node.type not in _SCOPES:
                continue
            depth += 1
        todo.extend((child, depth) for child in reversed(node.children) if child.is_named)


def _name(node: "Node") -> "Node | None":
    """What names `node`, if it is a definition."""
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        is_function = value is not None and value.type in _CLOSURES
        return node.child_by_field_name("name") if is_function else None
    if node.type not in _FUNCTIONS and node.type not in _SCOPES:
        return None
    if node.type not in _WITHOUT_BODY and not _has_body(node):
        return None
    return _declared(node) or node.child_by_field_name("name") or node.child_by_field_name("type")


def _has_body(node: "Node") -> bool:
    kind = node.child_by_field_name("type")
    is_type = node.type == "type_spec" and kind is not None and kind.type in _BODIES
    return is_type or node.child_by_field_name("body") is not None


def _declared(node: "Node") -> "Node | None":
    """The innermost declarator, as C nests them around the name."""
    found = None
    inner = node.child_by_field_name("declarator")
    while inner is not None:
        found, inner = inner, inner.child_by_field_name("declarator")
    return found


class _Places:
    """Byte offsets of a tree as offsets of the text."""

    def __init__(self, text: str, source: bytes) -> None:
        self._text = text
        is_first = (np.frombuffer(source, dtype=np.uint8) & 0xC0) != 0x80  # not inside a character
        self._before = np.concatenate([[0], np.cumsum(is_first)])

    def symbol(self, node: "Node", name: "Node", depth: int) -> Symbol:
        """The definition `node` with what stands above it and belongs to it."""
        outer = _with_wrappers(node)
        first = _with_comments(outer)
        name_end = self._at(name.end_byte)
        start = self._line_start(self._at(first.start_byte))
        return Symbol(
            start=start,
            end=self._at(outer.end_byte),
            heading_end=name_end,
            depth=depth,
            title=self._text[max(start, self._title_start(node, name)) : name_end],
        )

    def _at(self, place: int) -> int:
        return int(self._before[place])

    def _line_start(self, place: int) -> int:
        """The beginning of the line if nothing stands before `place` on it."""
        line = self._text.rfind("\n", 0, place) + 1
        return place if self._text[line:place].strip() else line

    def _title_start(self, node: "Node", name: "Node") -> int:
        """Where the line of the name begins, modifiers included, but no other code."""
        name_start = self._at(name.start_byte)
        line = self._text.rfind("\n", 0, name_start) + 1
        start = max(line, self._at(node.start_byte))
        return line if _MODIFIERS.fullmatch(self._text, line, start) else start


def _with_wrappers(node: "Node") -> "Node":
    """The statement that is about `node` alone: its export, its template parameters."""
    outer = node
    for _ in range(_MOST_STEPS):
        if outer.parent is None or outer.parent.type not in _WRAPPERS:
            break
        beside = (outer.prev_named_sibling, outer.next_named_sibling)
        if any(other is not None and other.type == outer.type for other in beside):
            break
        outer = outer.parent
    return outer


def _with_comments(node: "Node") -> "Node":
    """The first of the comments and attributes directly above `node`, or `node`."""
    first = node
    above = node.prev_sibling
    for _ in range(_MOST_STEPS):
        if above is None or above.type not in _ABOVE:
            break
        before = above.prev_sibling
        is_apart = _last_row(above) < first.start_point[0] - 1
        if is_apart or (before is not None and _last_row(before) == above.start_point[0]):
            break
        first, above = above, before
    return first


def _last_row(node: "Node") -> int:
    """The line that a node ends on; some comments include their newline."""
    row, column = node.end_point
    return int(row - 1 if column == 0 and row > node.start_point[0] else row)
