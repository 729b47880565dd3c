"""Quoth: answers from your own documents, with every copied word shown at its source.

Public names load on first use, so that `import quoth` costs nothing: no torch, faiss or gradio
is imported before something needs it.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from quoth.app.assistant import Assistant
    from quoth.app.events import Answer
    from quoth.app.settings import Settings
    from quoth.errors import QuothError
    from quoth.types import Citation, Passage, SourceSpan, Turn

_HOMES = {
    "Answer": "quoth.app.events",
    "Assistant": "quoth.app.assistant",
    "Citation": "quoth.types",
    "Passage": "quoth.types",
    "QuothError": "quoth.errors",
    "Settings": "quoth.app.settings",
    "SourceSpan": "quoth.types",
    "Turn": "quoth.types",
}

__all__ = [
    "Answer",
    "Assistant",
    "Citation",
    "Passage",
    "QuothError",
    "Settings",
    "SourceSpan",
    "Turn",
    "__version__",
]


def __getattr__(name: str) -> object:
    """Load a public name from its home on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'quoth' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
