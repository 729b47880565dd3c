"""The page in Gradio's parts: where they stand, and what happens when they are used.

What they do is in `actions`; how they look, in `render`, the style sheets and `behaviour.js`.
These two modules alone import Gradio when they are imported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import gradio as gr

from quoth.app.ui import palette, render
from quoth.app.ui.actions import ConversationActions, LibraryActions
from quoth.app.ui.conversations import ChatSession
from quoth.app.ui.sessions import Chat

_PRIVATE: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}
_AT_ONCE: Final[dict[str, Any]] = {**_PRIVATE, "queue": False}  # does not wait behind answers
_IN_TURN: Final[dict[str, Any]] = {  # one change of the index at a time
    **_PRIVATE, "concurrency_id": "index", "concurrency_limit": 1,
}  # fmt: skip
_STILL: Final[dict[str, Any]] = {"js_on_load": None, "apply_default_css": False}
_SHEETS: Final = ("conversation.css", "side_panel.css", "frame.css")  # what is narrow comes last
_TOGGLE: Final = "() => { window.quoth.toggle('library'); }"


def behaviour() -> str:
    """The script that the conversation runs when it is loaded."""
    return resources.files("quoth.app.ui").joinpath("behaviour.js").read_text(encoding="utf-8")


def style() -> str:
    """All CSS of the page."""
    folder = resources.files("quoth.app.ui")
    sheets = (folder.joinpath(name).read_text(encoding="utf-8") for name in _SHEETS)
    return palette.stylesheet() + "\n".join(sheets)


def theme() -> gr.themes.Base:
    """A plain theme with the system's own fonts: nothing is fetched for it."""
    light, dark = palette.PAGE_LIGHT, palette.PAGE_DARK
    return gr.themes.Base(
        font=[gr.themes.Font("system-ui"), gr.themes.Font("sans-serif")],
        font_mono=[gr.themes.Font("ui-monospace"), gr.themes.Font("monospace")],
    ).set(
        body_background_fill=light.fill,
        body_background_fill_dark=dark.fill,
        body_text_color=light.ink,
        body_text_color_dark=dark.ink,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    session: gr.State
    thread: gr.HTML
    panel: gr.HTML
    documents: gr.HTML
    uploads: gr.HTML
    about: gr.HTML
    question: gr.Textbox
    send: gr.Button
    stop: gr.Button
    renew: gr.Button
    toggle: gr.Button
    upload: gr.UploadButton


def chat_page(chat: Chat, *, title: str, examples: Sequence[str]) -> gr.Blocks:
    """The page, ready to be launched."""
    conversation = ConversationActions(chat, title, examples)
    shelf = LibraryActions(chat)
    page = gr.Blocks(title=title, fill_width=True, analytics_enabled=False)
    with page:
        parts = _parts(conversation, shelf, title)
        _wire_conversation(parts, conversation)
        _wire_library(page, parts, shelf)
    page.queue(max_size=None)  # whoever comes too late is told so in the conversation
    return page


def _parts(conversation: ConversationActions, shelf: LibraryActions, title: str) -> _Parts:
    session = gr.State(ChatSession())
    with gr.Column(elem_id="quoth"):
        toggle, renew = _header(title)
        with gr.Row(elem_id="q-body"):
            documents, uploads, upload = _library(shelf)
            with gr.Column(elem_id="q-main"):
                thread = _thread(conversation)
                question, send, stop = _composer()
                about = gr.HTML(shelf.about(), elem_id="q-foot", **_STILL)
            panel = gr.HTML("", elem_id="q-panel", **_STILL)
    return _Parts(
        session=session,
        thread=thread,
        panel=panel,
        documents=documents,
        uploads=uploads,
        about=about,
        question=question,
        send=send,
        stop=stop,
        renew=renew,
        toggle=toggle,
        upload=upload,
    )


def _thread(conversation: ConversationActions) -> gr.HTML:
    return gr.HTML(
        conversation.empty(),
        html_template="${value.join('')}",
        js_on_load=behaviour(),
        elem_id="q-thread",
        apply_default_css=False,
    )


def _header(title: str) -> tuple[gr.Button, gr.Button]:
    with gr.Row(elem_id="q-head"):
        toggle = gr.Button("Documents", elem_id="q-toggle", size="sm")
        gr.HTML(render.brand(title), elem_id="q-brand", **_STILL)
        renew = gr.Button("New conversation", elem_id="q-renew", size="sm")
    return toggle, renew


def _library(shelf: LibraryActions) -> tuple[gr.HTML, gr.HTML, gr.UploadButton]:
    with gr.Column(elem_id="q-library"):
        upload = gr.UploadButton("Add documents", file_count="multiple", elem_id="q-upload")
        uploads = gr.HTML("", elem_id="q-uploads", **_STILL)
        documents = gr.HTML(shelf.documents(), elem_id="q-documents", **_STILL)
    return documents, uploads, upload


def _composer() -> tuple[gr.Textbox, gr.Button, gr.Button]:
    with gr.Row(elem_id="q-composer"):
        question = gr.Textbox(
            placeholder="Ask about your documents",
            label="Question",
            show_label=False,
            container=False,
            lines=1,
            max_lines=6,
            autofocus=True,
            elem_id="q-question",
        )
        send = gr.Button("Ask", elem_id="q-send")
        stop = gr.Button("Stop", elem_id="q-stop")
    return question, send, stop


def _wire_conversation(parts: _Parts, actions: ConversationActions) -> None:
    session, thread = parts.session, parts.thread
    asked = [
        gr.on(
            [parts.question.submit, parts.send.click],
            actions.ask,
            [parts.question, session],
            [thread, parts.question],
            **_AT_ONCE,
        ),
        thread.example(actions.ask_example, [session], [thread], **_AT_ONCE),
    ]
    for event in asked:
        event.then(
            actions.answer,
            [session],
            [thread],
            concurrency_limit=32,  # they wait in a line of their own, which shows their place
            **_PRIVATE,
        )
    parts.stop.click(actions.stop, [session], [thread], **_AT_ONCE)
    parts.renew.click(actions.renew, [session], [thread, parts.panel], **_AT_ONCE)
    thread.show(actions.show, [session], [parts.panel], **_AT_ONCE)


def _wire_library(page: gr.Blocks, parts: _Parts, actions: LibraryActions) -> None:
    shown = [parts.documents, parts.about]
    changed = [parts.uploads, *shown]
    parts.upload.upload(actions.add, [parts.upload], changed, **_IN_TURN)
    parts.thread.discard(actions.remove, None, changed, **_IN_TURN)  # whose script hears all clicks
    parts.toggle.click(None, js=_TOGGLE, api_visibility="private")
    page.load(actions.refresh, None, shown, **_AT_ONCE)
