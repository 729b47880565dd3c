"""Source code is read with its symbols: a passage knows the class and function it stands in."""

import ast
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.retrieval.chunking import ChunkingConfig, chunk_document
from quoth.retrieval.documents import LoadedDocument
from quoth.retrieval.loaders import load

SOURCE = '''"""A module."""

import os

LIMIT = 3


class Index:
    """Holds passages.

    Of documents.
    """

    # How many there are.
    @property
    @cached(
        size=1
    )
    def size(self):
        """The number.

        Of passages.
        """
        return 1

    kind = "flat"

    async def search(self, query):
        def inner():
            return query

        return inner()


if os.name:
    def walk(): ...

walk()
'''


def outline(document: LoadedDocument) -> list[tuple[int, str]]:
    return [(heading.level, heading.title) for heading in document.headings]


def section(document: LoadedDocument, title: str) -> str:
    starts = [heading.start for heading in document.headings] + [len(document.text)]
    [at] = [at for at, heading in enumerate(document.headings) if heading.title == title]
    return document.text[starts[at] : starts[at + 1]]


def test_python_definitions_are_headings_by_their_nesting() -> None:
    document = load("a.py", SOURCE.encode())
    assert document.text == SOURCE
    assert outline(document) == [
        (2, "class Index"), (3, "def size"), (3, ""), (3, "async def search"), (2, ""),
        (2, "def walk"), (2, ""),
    ]  # fmt: skip


def test_decorators_comments_and_docstring_stay_with_their_function() -> None:
    size = section(load("a.py", SOURCE.encode()), "def size")
    assert size.strip().startswith("# How many there are.\n    @property\n    @cached(")
    assert size.rstrip().endswith("return 1")
    assert "kind" not in size


def test_chunks_end_at_symbols_and_know_their_path() -> None:
    document = load("a.py", SOURCE.encode())
    chunks = chunk_document(document, ChunkingConfig(target=50, smallest=1))
    by_path = {chunk.headings: document.text[chunk.start : chunk.end] for chunk in chunks}
    assert by_path["class Index", "async def search"].startswith("async def search")
    assert by_path["class Index", "async def search"].endswith("return inner()")
    assert by_path["class Index",] == 'kind = "flat"'
    assert by_path["def walk",] == "def walk(): ..."
    assert by_path[()] == "walk()"  # the last one that stands in no symbol


@pytest.mark.parametrize(
    "source",
    [
        "print 'Python 2'\n\ndef old(x):\n    exec x\n",
        "def old(:\n    pass\n",
        "x = " + "(" * 1_000 + "\ndef old(): pass\n",
        "x = " + "-" * 100_000 + "1\ndef old(): pass\n",
        "x = y" + ".a" * 100_000 + "\ndef old(): pass\n",
        "x = " + "9" * 100_000 + "\ndef old(): pass\n",
    ],
    ids=["python 2", "broken", "brackets", "signs", "attributes", "digits"],
)
def test_what_does_not_parse_is_read_by_its_margin(source: str) -> None:
    document = load("a.py", source.encode())
    assert document.text == source
    assert [title for _, title in outline(document)] == ["def old"]


def test_the_declared_encoding_counts_where_it_is_no_utf8() -> None:
    source = "# -*- coding: koi8-r -*-\n# слово\ndef f(): return 'слово'\n"
    assert load("a.py", source.encode("koi8-r")).text == source
    harmless = "# coding: punycode\ndef f(): pass\n"
    assert load("a.py", harmless.encode()).text == harmless


NAMES = st.sampled_from(["alpha", "beta", "ñandú", "_x", "Ωmega"])


@st.composite
def modules(draw: st.DrawFn, depth: int = 0) -> str:
    """Modules of nested classes, functions and statements."""
    pad = "    " * depth
    kinds = draw(st.lists(st.sampled_from(["class", "def", "async def", "x"]), max_size=4))
    parts = []
    for kind in kinds:
        if kind == "x":
            parts.append(f"{pad}x = 'é{draw(st.integers(0, 9))}'")
            continue
        body = draw(modules(depth + 1)) if depth < 2 else ""
        above = draw(st.sampled_from(["", f"{pad}@mark\n", f"{pad}# why\n\n", f"{pad}# why\n"]))
        call = "" if kind == "class" else "(a,\n   b)"
        parts.append(f"{above}{pad}{kind} {draw(NAMES)}{call}:\n{body or pad + '    pass'}")
    return draw(st.sampled_from(["\n", "\n\n\n"])).join(parts)


@given(modules())
def test_every_definition_is_a_heading_at_its_place(source: str) -> None:
    document = load("a.py", (source or "x").encode())
    wanted = [node.name for node in ordered(ast.parse(document.text))]
    titles = [heading.title for heading in document.headings if heading.title]
    assert [title.split()[-1] for title in titles] == wanted
    starts = [heading.start for heading in document.headings]
    assert len(set(starts)) == len(starts)
    for heading in document.headings:
        assert heading.title in document.text[heading.start : heading.end]


def ordered(node: ast.AST) -> list:
    """Classes and functions, but for those in functions, as the source has them."""
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(child)
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            found += ordered(child)
    return found


OTHERS = {
    "a.js": (
        "// Runs.\nexport class A extends B {\n  constructor(x) {}\n  async run() { return 1 }\n}\n"
        "const g = (a) => { return a };\nlet h = 1, i = () => 2;\nfunction* gen() {}\n",
        [(2, "export class A"), (3, "constructor"), (3, "async run"), (2, "const g"),
         (2, "i"), (2, "function* gen")],
    ),
    "a.ts": (
        "namespace N {\n  export interface I { x: 1 }\n  abstract class C { m(): void {} }\n}\n",
        [(2, "namespace N"), (3, "export interface I"), (3, "abstract class C"), (4, "m")],
    ),
    "a.java": (
        "class A {\n  @Override\n  public void run() {}\n  interface I {}\n}\n",
        [(2, "class A"), (3, "public void run"), (3, "interface I")],
    ),
    "a.go": (
        "package p // é😀\n\n// Runs.\nfunc (s *Server) Run() {}\n\ntype A struct { x int }\n",
        [(2, "func (s *Server) Run"), (2, "type A")],
    ),
    "a.rs": (
        "/// Says é.\n#[derive(X)]\npub struct A<T> {}\nimpl<T> Tr for A<T> { pub fn new() {} }\n",
        [(2, "pub struct A"), (2, "impl<T> Tr for A<T>"), (3, "pub fn new")],
    ),
    "a.cpp": (
        "namespace n {\ntemplate <class T>\nclass A { int run(int x) const { return x; } };\n}\n"
        "void n::A::go() {}\nstruct Only x;\n",
        [(2, "namespace n"), (3, "class A"), (4, "int run"), (2, "void n::A::go")],
    ),
    "a.c": ("static int *\nfind(char *x) {}\n", [(2, "find")]),
    "a.cs": ("namespace X { class A { public int Run() { return 1; } } }\n",
             [(2, "namespace X"), (3, "class A"), (4, "public int Run")]),
    "a.rb": ("module M\n  class A < B\n    def self.run(x)\n    end\n  end\nend\n",
             [(2, "module M"), (3, "class A"), (4, "def self.run")]),
    "a.php": ("<?php\nclass A { public function run() {} }\n",
              [(2, "class A"), (3, "public function run")]),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_other_languages_by_their_grammars(name: str) -> None:
    pytest.importorskip("tree_sitter", reason="the extra `code` is not installed")
    source, wanted = OTHERS[name]
    document = load(name, source.encode())
    assert document.text == source
    assert [each for each in outline(document) if each[1]] == wanted
    for heading in document.headings:
        words = document.text[heading.start : heading.end]
        assert heading.title in " ".join(words.split())


def test_comments_and_attributes_stay_with_what_they_are_about() -> None:
    pytest.importorskip("tree_sitter", reason="the extra `code` is not installed")
    source, _ = OTHERS["a.rs"]
    assert load("a.rs", source.encode()).headings[0].start == 0
    source, _ = OTHERS["a.go"]
    assert section(load("a.go", source.encode()), "func (s *Server) Run").startswith("// Runs.")


def test_functions_of_one_statement_are_told_apart() -> None:
    pytest.importorskip("tree_sitter", reason="the extra `code` is not installed")
    document = load("a.js", b"const a = () => 1,\n  b = () => 2;\nconst c = () => 3;\n")
    assert [each.start for each in document.headings] == [6, 19, 34]


def test_many_functions_in_one_statement_take_linear_time() -> None:
    pytest.importorskip("tree_sitter", reason="the extra `code` is not installed")
    started = time.process_time()
    many = ", ".join(f"a{at} = () => 1" for at in range(10_000))
    assert len(load("a.js", f"const {many};".encode()).headings) == 10_000
    assert time.process_time() - started < 10


@pytest.mark.parametrize("above", ["// c\n" * 100_000, "template<class T> " * 12_000])
def test_what_stands_above_a_symbol_is_looked_for_within_bounds(above: str) -> None:
    """Each step is a search from the root of the tree: 100,000 lines of comment took minutes."""
    pytest.importorskip("tree_sitter_cpp")
    started = time.process_time()
    document = load("a.cpp", f"{above}void f() {{}}\n".encode())
    assert [heading.title for heading in document.headings] == ["void f"]
    assert time.process_time() - started < 6


def test_names_that_the_parser_adds_to_broken_code_are_none() -> None:
    pytest.importorskip("tree_sitter", reason="the extra `code` is not installed")
    document = load(
        "a.ts", b"abstract class C { m(): voclass A:id {} }\n}\nclass D { (): void {} }\n"
    )
    assert all(each.start < each.end for each in document.headings)


@pytest.mark.parametrize("name", ["a.js", "a.cpp", "a.go", "a.rs", "a.rb", "a.php", "a.cs"])
@pytest.mark.parametrize("bit", ["(", "{", "class A {", "fn f(){", "a.", "<", "\n", "'", "é={"])
def test_hostile_source_takes_moments(name: str, bit: str) -> None:
    started = time.process_time()
    document = load(name, f"x {bit * (20_000 // len(bit))} y".encode())
    assert document.text.startswith("x")
    assert time.process_time() - started < 10
