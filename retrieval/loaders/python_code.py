"""Python: its classes and functions, found by the parser of the running Python.

Nothing is compiled or run. What does not parse, Python 2 or a template, is read as other code is.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from itertools import accumulate

from quoth.retrieval.canonical import canonical_text
from quoth.retrieval.documents import LoadedDocument, LoadLimits
from quoth.retrieval.loaders.code import code_document
from quoth.retrieval.loaders.decode import decode_declared
from quoth.retrieval.loaders.symbols import Symbol, document_of

_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_ENCODING = re.compile(
    rb"(?:[ \t\f]*(?:#[^\r\n]*)?\r?\n)?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)"
)
_COMMENT = re.compile(r"[ \t]*#")
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
_WORDS = {ast.ClassDef: "class", ast.FunctionDef: "def", ast.AsyncFunctionDef: "async def"}


def load_python(content: bytes, limits: LoadLimits) -> LoadedDocument:  # noqa: ARG001 - a Loader
    """Load Python source; each class and function is a heading, functions in functions are not."""
    text = canonical_text(_decoded(content))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as those on escapes
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last one of deep nesting
        return code_document(text)
    return document_of(text, list(_Finder(text).symbols(tree)))


def _decoded(content: bytes) -> str:
    """The source, in the encoding that it declares (PEP 263) where it is not UTF-8."""
    return decode_declared(content, _ENCODING.match(content))


class _Finder:
    """Turns nodes into ranges of the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)]

    def symbols(self, tree: ast.Module) -> Iterator[Symbol]:
        """Classes and functions in order, those in `if` and `try` too."""
        todo: list[tuple[ast.AST, int]] = [(node, 0) for node in reversed(tree.body)]
        while todo:
            node, depth = todo.pop()
            if isinstance(node, _DEFINITIONS):
                yield self._symbol(node, depth)
                depth += 1
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                todo.extend((child, depth) for child in reversed(_inside(node)))

    def _symbol(self, node: _Definition, depth: int) -> Symbol:
        first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        while first > 1 and _COMMENT.match(self._lines[first - 2]):
            first -= 1
        return Symbol(
            start=self._starts[first - 1],
            end=self._line_end(node.end_lineno or node.lineno),
            heading_end=self._line_end(node.lineno),
            depth=depth,
            title=f"{_WORDS[type(node)]} {self._name(node)}",
        )

    def _name(self, node: _Definition) -> str:
        """The name as it is written: the parser normalises it."""
        line = self._lines[node.lineno - 1]
        written = re.compile(r"(?:class|def)[ \t]+(\w+)").search(line)
        return written[1] if written else node.name

    def _line_end(self, number: int) -> int:
        return self._starts[number - 1] + len(self._lines[number - 1])


def _inside(node: ast.AST) -> Sequence[ast.AST]:
    """Statements directly in `node`, in the order of the source."""
    return [child for block in _BLOCKS for child in _block(node, block)]


def _block(node: ast.AST, name: str) -> Sequence[ast.AST]:
    block = getattr(node, name, ())
    return block if isinstance(block, list) else ()
