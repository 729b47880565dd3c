"""What stands around the content of a web page: menus, cookie banners, footers, lists of links.

An element is suspected by its tag, its role, its name, or because it stands beside `<main>`. A
suspect goes only if it says little in its own words, or mostly in links: a menu too many costs
less than a paragraph that is lost. Pages that mark nothing lose nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING

from quoth.retrieval.loaders.visibility import is_dropped

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from bs4.element import PageElement, Tag

_MAX_OWN = 400  # characters outside of links that furniture may hold
_MAX_OWN_BESIDE = 120  # the same where nothing but its place beside the main content tells
_MAX_OWN_BANNER = 1_500  # cookie banners talk more
_LINKED = 0.5  # share of linked text from which on it is a list of links
_MAX_SHARE = 0.25  # of the page's own words: more is no furniture, whatever it is called
_MAX_SHARE_MARKED = 0.5  # the same of a page that marks its main content, and of cookie banners
_MIN_KEPT = 0.5  # of the page's own words, or the marks on this page mislead

_CONTAINERS = frozenset(
    {"div", "section", "header", "footer", "aside", "form", "ul", "ol", "a", "span", "p", "table"}
)
_BESIDE = frozenset({"div", "section", "header", "footer", "aside", "form", "ul", "a"})
_AROUND_TAGS = frozenset({"footer", "aside"})
_AROUND_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "complementary", "search", "menu", "menubar", "toolbar"}
)
_BANNER_ROLES = frozenset({"dialog", "alertdialog"})
_AROUND_NAME = re.compile(
    r"(?:site|page|global|main|top|left|right|bottom|sphinx|wy|nav)?[-_]?"
    r"(?:nav|navbar|navigation|menu|menubar|sidebar|footer|topbar|breadcrumbs?|pagination|pager"
    r"|toolbar|masthead)(?:[-_](?:wrapper|container|inner|bar|box|menu|links?|list))?"
    r"|(?:site|global|top)[-_]?header|skip[-_]?(?:link|nav|to[-_](?:content|main))s?|related(?:[-_](?:posts|articles|links|content"
    r"|stories|topics|pages))?|(?:social|share|sharing)(?:[-_](?:links|buttons|bar|icons|tools))?"
    r"|newsletter(?:[-_]\w+)?|subscribe(?:[-_]\w+)?|promo(?:[-_]\w+)?|advert(?:isement)?s?"
    r"|ads?[-_]\w+|sponsor(?:ed)?|recommend(?:ed|ations)(?:[-_]\w+)?|read[-_](?:more|next)",
    re.IGNORECASE,
)
_BANNER_NAME = re.compile(
    r"(?:\w[\w-]*[-_])?(?:cookies?|gdpr|ccpa|consent)[-_]?(?:banner|bar|box|notice|consent|popup|modal"
    r"|overlay|message|dialog|law|info|wrapper|container|manager)?|onetrust[-_]\w+|cc[-_]window"
    r"|cybotcookiebot\w*",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w")


def furniture(soup: "BeautifulSoup") -> frozenset[int]:
    """`id()` of each element around the content; its subtree is to be passed over."""
    weights = _weigh(soup)
    page = weights.get(id(soup), _Weight())
    mains = _mains(soup, weights)
    judge = _Judge(weights, page.own, mains)
    left_out: set[int] = set()
    lost = 0
    for suspect in judge.suspects(soup):
        if judge.is_furniture(suspect):
            left_out.add(id(suspect))
            lost += weights[id(suspect)].own
    if lost > (1 - _MIN_KEPT) * page.own:
        return frozenset()
    return frozenset(left_out)


@dataclass(slots=True)
class _Weight:
    """Characters of words below an element."""

    own: int = 0
    linked: int = 0
    has_title: bool = False  # an h1


def _weigh(soup: "BeautifulSoup") -> dict[int, _Weight]:
    """The weight of every element, without recursion: pages may nest deeper than Python's stack."""
    from bs4.element import NavigableString, PreformattedString, Tag

    weights: dict[int, _Weight] = {}
    todo: list[tuple[PageElement, int, bool]] = [(soup, 0, False)]
    order: list[tuple[Tag, int]] = []
    while todo:
        node, parent, in_link = todo.pop()
        if isinstance(node, Tag):
            if is_dropped(node):
                continue
            weights[id(node)] = _Weight(has_title=node.name == "h1")
            order.append((node, parent))
            inside = in_link or node.name == "a"
            todo.extend((child, id(node), inside) for child in node.contents)
        elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            size = len("".join(str(node).split()))
            if in_link:
                weights[parent].linked += size
            else:
                weights[parent].own += size
    for node, parent in reversed(order):
        if parent:
            _add(weights[parent], weights[id(node)])
    return weights


def _add(total: _Weight, part: _Weight) -> None:
    total.own += part.own
    total.linked += part.linked
    total.has_title = total.has_title or part.has_title


def _mains(soup: "BeautifulSoup", weights: dict[int, _Weight]) -> "list[Tag]":
    """Elements marked as the main content, outermost ones, with words in them."""
    from bs4.element import Tag

    mains: list[Tag] = []
    todo: list[Tag] = [soup]
    while todo:
        for child in todo.pop().contents:
            if not isinstance(child, Tag) or id(child) not in weights:
                continue
            if child.name != "main" and child.get("role") != "main":
                todo.append(child)
            elif weights[id(child)].own:
                mains.append(child)
    return mains


def _around(mains: "list[Tag]") -> set[int]:
    """What holds a main; each step up is taken once."""
    found: set[int] = set()
    for main in mains:
        found.update(takewhile(lambda place: place not in found, map(id, main.parents)))
    return found


@dataclass(slots=True)
class _Judge:
    """Tells furniture from content on one page."""

    weights: dict[int, _Weight]
    page_own: int
    mains: list["Tag"]
    main_ids: set[int] = field(init=False)
    around_main: set[int] = field(init=False)  # what holds a main
    main_has_title: bool = field(init=False)

    def __post_init__(self) -> None:
        self.main_ids = {id(main) for main in self.mains}
        self.around_main = _around(self.mains)
        self.main_has_title = any(self.weights[id(main)].has_title for main in self.mains)

    def suspects(self, soup: "BeautifulSoup") -> Iterator["Tag"]:
        """Outermost elements that may stand around the content, in no particular order."""
        from bs4.element import Tag

        todo: list[tuple[Tag, bool]] = [(soup, False)]
        while todo:
            node, in_content = todo.pop()
            for child in node.contents:
                if not isinstance(child, Tag) or id(child) not in self.weights:
                    continue
                if not self._holds_main(child) and (
                    _is_suspect(child, in_content) or self._is_beside(child)
                ):
                    yield child
                    if self.is_furniture(child):
                        continue
                inside = in_content or id(child) in self.main_ids or child.name == "article"
                todo.append((child, inside))

    def is_furniture(self, tag: "Tag") -> bool:
        """Whether a suspect holds too little of its own to be content."""
        weight = self.weights[id(tag)]
        if weight.has_title and not self.main_has_title:
            return False
        if _is_banner(tag):
            most, share = _MAX_OWN_BANNER, _MAX_SHARE_MARKED
        else:
            is_unnamed = not _is_suspect(tag, in_content=False)
            most = _MAX_OWN_BESIDE if is_unnamed else _MAX_OWN
            share = _MAX_SHARE_MARKED if self.mains else _MAX_SHARE
            if weight.linked >= _LINKED * (weight.own + weight.linked):
                most = self.page_own
        return weight.own <= min(most, share * self.page_own)

    def _holds_main(self, tag: "Tag") -> bool:
        return id(tag) in self.around_main or id(tag) in self.main_ids

    def _is_beside(self, tag: "Tag") -> bool:
        return tag.name in _BESIDE and id(tag.parent) in self.around_main


def _is_suspect(tag: "Tag", in_content: bool) -> bool:  # noqa: FBT001 - a fact, not a mode
    if tag.name == "a":
        return _is_mark(tag) or bool(_named(tag, _AROUND_NAME))
    if str(tag.get("role") or "") in _AROUND_ROLES or _is_banner(tag):
        return True
    if in_content:  # footers of articles and notes beside them are content
        return tag.name in _CONTAINERS and _named(tag, _AROUND_NAME)
    return tag.name in _AROUND_TAGS or (tag.name in _CONTAINERS and _named(tag, _AROUND_NAME))


def _is_mark(tag: "Tag") -> bool:
    """The sign beside a heading that links to it."""
    return str(tag.get("href") or "").startswith("#") and not _WORD.search(tag.get_text())


def _is_banner(tag: "Tag") -> bool:
    return str(tag.get("role") or "") in _BANNER_ROLES or (
        tag.name in _CONTAINERS and _named(tag, _BANNER_NAME)
    )


def _named(tag: "Tag", names: re.Pattern[str]) -> bool:
    """Whether the id or a class of `tag` is one of `names`."""
    classes = tag.get("class") or ()
    words = [*(classes if isinstance(classes, list) else [str(classes)]), str(tag.get("id") or "")]
    return any(word and len(word) <= 80 and names.fullmatch(word) for word in words)
