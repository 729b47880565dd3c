"""What users type finds what documents say, however both are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.retrieval.terms import MAX_TERM_CHARS, terms_of


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("getUserName", ["getUserName", "get_user_name", "get user name", "getusername", "user"]),
        ("get_user_name()", ["getUserName", "get_user_name", "user name"]),
        ("HTTPServer2", ["HTTPServer2", "httpserver2", "HTTP server", "server 2"]),
        ("std::vector<int>", ["std::vector", "vector", "std vector int"]),
        ("Form 10-K", ["10-K", "10k", "10 K", "10-k form"]),
        ("1,234.5 units", ["1,234.5", "1234.5", "1234"]),
        ("$1,234 million", ["$1,234", "1234", "1,234"]),
        ("about 3.14", ["3.14", "3"]),
        ("version 3.11.2", ["3.11.2", "3 11"]),
        ("ISO-8859-1", ["iso-8859-1", "ISO 8859", "iso88591", "8859"]),
        ("in C++ and C#", ["c++", "C#", "C"]),
        ("C++17", ["C++", "17"]),
        ("an e-mail", ["email", "e-mail", "E-Mail", "mail", "emails"]),
        ("§ 5.2 applies", ["§5.2", "5.2", "section 5.2 apply"]),
        ("don't", ["dont", "don’t", "DON'T"]),
        ("Newton’s laws", ["newton", "Newton's law"]),
        ("naïve café", ["naive", "CAFÉ", "cafe\u0301"]),
        ("Straße", ["STRASSE", "strasse"]),
        ("the U.S. market", ["US", "u.s."]),
        ("東京都庁", ["東京", "都庁", "京都", "都"]),
        ("ＦＵＬＬ ｗｉｄｔｈ", ["full width"]),
        ("हिन्दी भाषा", ["हिन्दी"]),
        ("ПРИВЕТ", ["привет"]),
        ("running oscillators", ["run", "oscillator", "Oscillating"]),
        ("a1b2c3" * 40, ["A1B2C3" * 40]),
    ],
)
def test_what_is_written_is_found_by_what_is_typed(written: str, typed: list[str]) -> None:
    held = set(terms_of(written))
    for query in typed:
        assert held & set(terms_of(query)), query


@pytest.mark.parametrize("nothing", ["", " \n", "...", "___", "🦄 → §", "--- ***"])
def test_what_has_no_letters_and_digits_has_no_terms(nothing: str) -> None:
    assert terms_of(nothing) == []


@given(st.text())
def test_terms_are_short_and_never_empty(text: str) -> None:
    assert all(0 < len(term) <= MAX_TERM_CHARS + 2 for term in terms_of(text))


@given(st.lists(st.sampled_from(["getName", "3.14", "東京", "e-mail", "x"]), max_size=6))
def test_words_give_the_same_terms_alone_and_in_company(words: list[str]) -> None:
    assert terms_of(" ".join(words)) == [term for word in words for term in terms_of(word)]
