"""Hostile text in a terminal, colours, and where a citation's number comes from."""

import io
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from quoth.app.cli.answering import AnswerPrinter
from quoth.app.cli.terminal import Console, printable
from quoth.app.events import Answer, AnswerStats, Cited, Done, Retrieved, ScoredPassage, Text
from quoth.types import Citation, Passage


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


def events(text, citation, passage_text, stats=STATS):
    passage = Passage(
        id="p",
        document_id="d",
        document="evil\x1b[31m.pdf",
        text=passage_text,
        start=50,
        end=50 + len(passage_text),
        page=4,
        end_page=4,
    )
    scored = (ScoredPassage(number=1, passage=passage, score=0.5),)
    answer = Answer(
        text=text,
        citations=(citation,),
        coverage=0.75,
        passages=scored,
        stats=stats,
        conversation_id="c",
        turn_id="t",
    )
    return [
        Retrieved(passages=scored),
        Text(start=0, text=text),
        Cited(citation=citation),
        Done(answer=answer),
    ]


def printed(*, is_terminal, stats=STATS):
    out = io.StringIO()
    colours = "standard" if is_terminal else None
    console = Console(file=out, force_terminal=is_terminal, width=100, color_system=colours)
    text = "He said: ravens fly \x1b[2J[bold]high[/bold]."
    passage = "All ravens fly \x1b[2J[bold]high[/bold]."
    citation = Citation(
        start=9, end=20, source_id="d", source_start=54, source_end=65, document="evil", page=4
    )
    AnswerPrinter(console).print(events(text, citation, passage, stats))
    return out.getvalue()


def test_a_pipe_gets_plain_text_with_sources_and_numbers():
    out = printed(is_terminal=False)
    assert "\x1b" not in out
    assert out.startswith("He said: ravens fly \N{REPLACEMENT CHARACTER}[2J[bold]high[/bold].\n")
    assert "[1] evil\N{REPLACEMENT CHARACTER}[31m.pdf, page 4" in out
    assert "8 tokens in 4 forward passes, 2.0 per pass; 50% copied, 75% found in sources" in out


def test_one_token_and_one_pass_are_said_in_the_singular():
    out = printed(is_terminal=False, stats=replace(STATS, tokens=1, forward_passes=1))
    assert "1 token in 1 forward pass, 1.0 per pass" in out


def test_a_terminal_gets_the_copied_words_in_their_source_s_colour():
    out = printed(is_terminal=True)
    assert "\x1b[36mravens fly" in out  # cyan is the first colour
    assert "\x1b[2J" not in out
    assert "[bold]high[/bold]" in out
