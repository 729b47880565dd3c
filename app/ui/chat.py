"""The web chat for an assistant. Importing this loads no web framework; `build` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quoth.app.ui.sessions import Chat
from quoth.extras import require

if TYPE_CHECKING:
    from collections.abc import Sequence

    import gradio as gr

    from quoth.app.ui.protocol import ChatAssistant


def build(
    assistant: ChatAssistant, *, title: str = "Quoth", examples: Sequence[str] = ()
) -> gr.Blocks:
    """The page for this assistant; `examples` are the questions that an empty conversation offers.

    Launch it with `quoth.app.ui.serve`, which gives it its looks and keeps it private.

    Raises:
        MissingExtraError: Gradio is not installed.
    """
    require("gradio", extra="gradio")
    from quoth.app.ui.page import chat_page

    return chat_page(Chat(assistant), title=title, examples=tuple(examples))
