from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.app.ui.markup import Html, element, escape, join


@given(st.text())
def test_escaped_text_reads_as_it_was_and_holds_no_markup(text):
    escaped = escape(text)
    assert unescape(escaped) == text or "\0" in text or "\r" in text
    assert not set(escaped) & set("<>\"'")


@given(st.text())
def test_children_and_attribute_values_are_escaped_by_construction(text):
    written = element("p", text, title=text)
    inner = written.removeprefix('<p title="').removesuffix("</p>")
    assert inner.count("<") == 0
    assert inner.count(">") == 1
    assert inner.count('"') == 1


def test_markup_goes_through_as_it_is():
    assert join(element("b", "x"), "<i>") == "<b>x</b>&lt;i&gt;"


def test_attribute_names_lose_a_trailing_underscore_and_none_leaves_out():
    assert element("p", class_="a", data_ref="b", title=None) == '<p class="a" data-ref="b"></p>'


@pytest.mark.parametrize("name", ["", "a b", "P", "onload=x", "p>", "1p"])
def test_a_tag_that_is_no_plain_name_is_refused(name):
    with pytest.raises(ValueError, match="not the name"):
        element(name)


def test_an_attribute_that_is_no_plain_name_is_refused():
    with pytest.raises(ValueError, match="not the name"):
        element("p", **{'x" onload="y': "z"})


def test_html_is_a_string():
    assert isinstance(element("p"), Html)
    assert isinstance(element("p"), str)
