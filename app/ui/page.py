"""The page in Gradio's parts: where they stand, and what happens when they are used.

What they do is in `sessions`; how they look, in `render`, the style sheets and `behaviour.js`.
The only module here that imports Gradio when it is imported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import gradio as gr

from quoth.app.ui import library, palette, render
from quoth.app.ui.conversations import ChatSession
from quoth.app.ui.sessions import Chat

_PRIVATE: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}
_AT_ONCE: Final[dict[str, Any]] = {**_PRIVATE, "queue": False}  # does not wait behind answers
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
    actions = _Actions(chat, title, examples)
    page = gr.Blocks(title=title, fill_width=True, analytics_enabled=False)
    with page:
        session = gr.State(ChatSession())
        with gr.Column(elem_id="quoth"):
            toggle, renew = _header(title)
            with gr.Row(elem_id="q-body"):
                documents, uploads, upload = _library(actions)
                with gr.Column(elem_id="q-main"):
                    thread = gr.HTML(
                        actions.empty(),
                        html_template="${value.join('')}",
                        js_on_load=behaviour(),
                        elem_id="q-thread",
                        apply_default_css=False,
                    )
                    question, send, stop = _composer()
                    about = gr.HTML(
                        actions.about(), elem_id="q-foot", js_on_load=None, apply_default_css=False
                    )
                panel = gr.HTML("", elem_id="q-panel", js_on_load=None, apply_default_css=False)
        _wire(
            page,
            actions,
            _Parts(
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
            ),
        )
    page.queue(max_size=None)  # whoever comes too late is told so in the conversation
    return page


def _header(title: str) -> tuple[gr.Button, gr.Button]:
    with gr.Row(elem_id="q-head"):
        toggle = gr.Button("Documents", elem_id="q-toggle", size="sm")
        gr.HTML(render.brand(title), elem_id="q-brand", js_on_load=None, apply_default_css=False)
        renew = gr.Button("New conversation", elem_id="q-renew", size="sm")
    return toggle, renew


def _library(actions: "_Actions") -> tuple[gr.HTML, gr.HTML, gr.UploadButton]:
    with gr.Column(elem_id="q-library"):
        upload = gr.UploadButton("Add documents", file_count="multiple", elem_id="q-upload")
        uploads = gr.HTML("", elem_id="q-uploads", js_on_load=None, apply_default_css=False)
        documents = gr.HTML(
            actions.documents(), elem_id="q-documents", js_on_load=None, apply_default_css=False
        )
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


def _wire(page: gr.Blocks, actions: "_Actions", parts: _Parts) -> None:
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
    parts.toggle.click(None, js=_TOGGLE, api_visibility="private")
    parts.upload.upload(
        actions.add,
        [parts.upload],
        [parts.uploads, parts.documents, parts.about],
        concurrency_id="index",
        concurrency_limit=1,
        **_PRIVATE,
    )
    page.load(actions.refresh, None, [parts.documents, parts.about], **_AT_ONCE)


class _Actions:
    """What each part of the page calls, with the values that go back into the parts."""

    def __init__(self, chat: Chat, title: str, examples: Sequence[str]) -> None:
        self._chat = chat
        self._title = title
        self._examples = examples

    def empty(self) -> list[str]:
        return self._thread(ChatSession())

    def ask(self, question: str, session: ChatSession) -> tuple[list[str], str]:
        asked = session.ask(question)
        return self._thread(session), "" if asked else question

    def ask_example(self, session: ChatSession, event: gr.EventData) -> list[str]:
        index = getattr(event, "index", None)  # a browser may send anything, or nothing
        if isinstance(index, int) and 0 <= index < len(self._examples):
            session.ask(self._examples[index])
        return self._thread(session)

    def answer(self, session: ChatSession) -> Iterator[list[str]]:
        for _ in self._chat.answer(session):
            yield self._thread(session)

    def stop(self, session: ChatSession) -> list[str]:
        session.stop()
        return self._thread(session)

    def renew(self, session: ChatSession) -> tuple[list[str], str]:
        session.renew()
        return self._thread(session), ""

    def show(self, session: ChatSession, event: gr.EventData) -> str:
        return self._chat.open_place(session, getattr(event, "ref", None))

    def add(self, files: list[str] | None) -> Iterator[tuple[str, str, str]]:
        # Gradio has made the last part of each path from the visitor's name for the file
        named = [(Path(file), Path(file).name) for file in files or ()]
        for lines in self._chat.add_documents(named):
            yield library.upload_list(lines), self.documents(), self.about()

    def refresh(self) -> tuple[str, str]:
        return self.documents(), self.about()

    def documents(self) -> str:
        return library.document_list(self._chat.assistant.library.documents())

    def about(self) -> str:
        assistant = self._chat.assistant
        return library.described(assistant.settings, assistant.library.documents())

    def _thread(self, session: ChatSession) -> list[str]:
        return [
            str(block)
            for block in render.conversation(
                session.conversation.exchanges, title=self._title, examples=self._examples
            )
        ]
