"""What the parts of the page call, with the values that go back into the parts.

What is done is in `sessions`; here it is put into the shape that Gradio wants.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import gradio as gr

from quoth.app.ui import document_list, render
from quoth.app.ui.conversations import ChatSession
from quoth.app.ui.sessions import Chat


class ConversationActions:
    """Asking and reading; most give the blocks of the conversation."""

    def __init__(self, chat: Chat, title: str, examples: Sequence[str]) -> None:
        self._chat = chat
        self._title = title
        self._examples = examples

    def empty(self) -> list[str]:
        """Before anything was asked."""
        return self._thread(ChatSession())

    def ask(self, question: str, session: ChatSession) -> tuple[list[str], str]:
        """Put a question; it stays in its box if it is not taken."""
        asked = session.ask(question)
        return self._thread(session), "" if asked else question

    def ask_example(self, session: ChatSession, event: gr.EventData) -> list[str]:
        """Put the question that was clicked."""
        index = getattr(event, "index", None)  # a browser may send anything, or nothing
        if isinstance(index, int) and 0 <= index < len(self._examples):
            session.ask(self._examples[index])
        return self._thread(session)

    def answer(self, session: ChatSession) -> Iterator[list[str]]:
        """Answer what was asked, as it grows."""
        for _ in self._chat.answer(session):
            yield self._thread(session)

    def stop(self, session: ChatSession) -> list[str]:
        """End the answer where it is."""
        session.stop()
        return self._thread(session)

    def renew(self, session: ChatSession) -> tuple[list[str], str]:
        """Begin anew, with an empty panel."""
        session.renew()
        return self._thread(session), ""

    def show(self, session: ChatSession, event: gr.EventData) -> str:
        """The panel for what was clicked."""
        return self._chat.open_place(session, getattr(event, "ref", None))

    def _thread(self, session: ChatSession) -> list[str]:
        return [
            str(block)
            for block in render.conversation(
                session.conversation.exchanges, title=self._title, examples=self._examples
            )
        ]


Shelf = tuple[str, str, str]  # what became of files, the documents, the line about them


class LibraryActions:
    """Documents that come and go."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    def add(self, files: list[str] | None) -> Iterator[Shelf]:
        """Take in what was uploaded."""
        # Gradio has made the last part of each path from the visitor's name for the file
        named = [(Path(file), Path(file).name) for file in files or ()]
        for lines in self._chat.add_documents(named):
            yield self._shelf(lines)

    def remove(self, event: gr.EventData) -> Shelf:
        """Take out the document that was clicked."""
        return self._shelf(self._chat.remove_document(getattr(event, "document", None)))

    def refresh(self) -> tuple[str, str]:
        """The documents, and the line about them."""
        return self.documents(), self.about()

    def documents(self) -> str:
        """The list of documents."""
        return document_list.document_list(self._chat.assistant.collection.documents())

    def about(self) -> str:
        """The line that says what the page runs on."""
        assistant = self._chat.assistant
        return document_list.described(assistant.settings, assistant.collection.documents())

    def _shelf(self, lines: Sequence[document_list.UploadLine]) -> Shelf:
        return document_list.upload_list(lines), self.documents(), self.about()
