"""Hostile text in a terminal, colours, and where a citation's number comes from."""

import io
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from quoth.app.cli.answering import AnswerPrinter, answer_as_json
from quoth.app.cli.terminal import Console, printable
from quoth.app.events import Answer, AnswerStats, Cited, Done, Retrieved, ScoredPassage, Text
from quoth.types import Citation, Location, Passage


@given(st.text())
def test_nothing_printable_can_steer_a_terminal(text):
    shown = printable(text)
    assert len(shown) == len(text)
    assert not any(c < " " and c not in "\n\t" for c in shown)
    assert "\x1b" not in shown
    assert "\u202e" not in shown


STATS = AnswerStats(
    prompt_tokens=10, tokens=8, forward_passes=4, drafted=8, accepted=4, copied_share=0.5,
    retrieve_s=0.1, prefill_s=0.2, decode_s=0.3,
)  # fmt: skip


def events(text, citations, passage_text, stats=STATS):
    passage = Passage(
        id="p",
        document_id="d",
        document="evil\x1b[31m.pdf",
        text=passage_text,
        start=50,
        end=50 + len(passage_text),
        page=4,
        end_page=4,
        locations=(Location(start=50, label="sh\x1beet!B4"),),
    )
    scored = (ScoredPassage(number=1, passage=passage, score=0.5),)
    answer = Answer(
        text=text,
        citations=tuple(citations),
        coverage=0.75,
        passages=scored,
        stats=stats,
        conversation_id="c",
        turn_id="t",
    )
    return [
        Retrieved(passages=scored),
        Text(start=0, text=text),
        *(Cited(citation=citation) for citation in citations),
        Done(answer=answer),
    ]


def cited(start, end, source_start):
    """A citation; the passage begins at 50 of its document."""
    return Citation(
        start=start, end=end, source_id="d", source_start=source_start,
        source_end=source_start + end - start, document="evil", page=4,
    )  # fmt: skip


HOSTILE = {
    "text": "He said: ravens fly \x1b[2J[bold]high[/bold].",
    "passage_text": "All ravens fly \x1b[2J[bold]high[/bold].",
    "citations": [cited(9, 20, 54)],
}
SPLICED = {
    "text": "The warranty lasts six months.",
    "passage_text": "The warranty lasts two years. Batteries are covered for six months.",
    "citations": [cited(0, 18, 50), cited(19, 30, 106)],
}


def printed(*, is_terminal, stats=STATS, answer=HOSTILE, width=100):
    out = io.StringIO()
    colours = "standard" if is_terminal else None
    console = Console(
        file=out, force_terminal=is_terminal, width=width, color_system=colours, soft_wrap=True
    )
    AnswerPrinter(console).print(events(**answer, stats=stats))
    return out.getvalue()


def test_a_pipe_gets_plain_text_with_sources_and_numbers():
    out = printed(is_terminal=False)
    assert "\x1b" not in out
    assert out.startswith("He said: ravens fly \N{REPLACEMENT CHARACTER}[2J[bold]high[/bold].\n")
    assert "[1] evil\N{REPLACEMENT CHARACTER}[31m.pdf, sh\N{REPLACEMENT CHARACTER}eet!B4" in out
    assert "8 tokens in 4 forward passes, 2.0 per pass; 50% copied, 75% found in sources" in out


def test_one_token_and_one_pass_are_said_in_the_singular():
    out = printed(is_terminal=False, stats=replace(STATS, tokens=1, forward_passes=1))
    assert "1 token in 1 forward pass, 1.0 per pass" in out


def test_a_terminal_gets_the_copied_words_in_their_source_s_colour():
    out = printed(is_terminal=True)
    assert "\x1b[36mravens fly" in out  # cyan is the first colour
    assert "\x1b[2J" not in out
    assert "[bold]high[/bold]" in out


def test_a_terminal_shows_where_the_source_is_cut():
    out = printed(is_terminal=True, answer=SPLICED)
    lasts, six = "\x1b[36mThe warranty lasts\x1b[0m", "\x1b[36msix months.\x1b[0m"
    assert f"{lasts} \x1b[2m… \x1b[0m{six}" in out
    assert "the source is cut here" in out


def test_a_narrow_terminal_shows_all_of_a_long_line():
    words = [f"word{number:02}" for number in range(30)]
    answer = {"text": " ".join(words), "passage_text": "Ravens fly.", "citations": []}
    shown = printed(is_terminal=True, width=20, answer=answer)
    assert [word for word in words if word not in shown] == []
    assert answer["text"] in printed(is_terminal=False, width=20, answer=answer)


def test_quotes_that_stand_side_by_side_in_the_source_are_not_kept_apart():
    whole = SPLICED | {
        "text": SPLICED["passage_text"],
        "citations": [cited(0, 18, 50), cited(19, 29, 69)],
    }
    out = printed(is_terminal=True, answer=whole)
    assert "\x1b[36mThe warranty lasts\x1b[0m \x1b[36mtwo years.\x1b[0m" in out
    assert "the source is cut here" not in out


def test_what_is_piped_or_kept_is_the_answer_without_marks():
    out = printed(is_terminal=False, answer=SPLICED)
    assert out.startswith("The warranty lasts six months.\n")
    assert "the source is cut here" not in out
    (answer,) = (one.answer for one in events(**SPLICED) if isinstance(one, Done))
    assert answer_as_json(answer)["text"] == "The warranty lasts six months."
