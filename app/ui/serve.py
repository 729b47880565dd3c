"""Serve the web chat on one address: private by default, and with no calls to anywhere else.

Prints nothing; whoever calls says where the page is.
"""

from __future__ import annotations

import errno
import socket
from contextlib import contextmanager, suppress
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from quoth.app.ui.chat import build
from quoth.errors import ServeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from quoth.app.ui.protocol import ChatAssistant

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 7860
_LAST_PORT: Final = 65_535


def serve(
    assistant: ChatAssistant,
    *,
    ready: Callable[[str], None],
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    title: str = "Quoth",
    examples: Sequence[str] = (),
) -> None:
    """Serve until interrupted; `ready` is called with the address once the page can be opened.

    Raises:
        ServeError: The port is in use, or the address is not one of this machine.
        MissingExtraError: Gradio is not installed.
    """
    served = running(assistant, host=host, port=port, title=title, examples=examples)
    with suppress(KeyboardInterrupt), served as url:
        ready(url)
        Event().wait()


@contextmanager
def running(
    assistant: ChatAssistant,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    title: str = "Quoth",
    examples: Sequence[str] = (),
) -> Iterator[str]:
    """Serve in the background while the `with` block runs; gives the address. Port 0: any free one.

    Raises:
        ServeError: The port is in use, or the address is not one of this machine.
        MissingExtraError: Gradio is not installed.
    """
    port = free_port(host, port)
    page = build(assistant, title=title, examples=examples)
    _, url, _ = page.launch(
        server_name=host, server_port=port, prevent_thread_lock=True, **_launch_options()
    )
    try:
        yield url
    finally:
        page.close(verbose=False)


def free_port(host: str, port: int) -> int:
    """The port, if it can be listened on; for 0, one that can.

    Raises:
        ServeError: It cannot; the message says why and what to do.
    """
    if not 0 <= port <= _LAST_PORT:
        raise ServeError(
            f"There is no port {port}. Choose one from 1024 to {_LAST_PORT} with --port."
        )
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        raise ServeError(_why_not(host, port, error)) from error


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use. Choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than you have. Choose one above 1023 with --port."
    return f"{host!r} is not an address of this machine ({error}). Choose another with --host."


def _launch_options() -> dict[str, Any]:
    """Everything is said explicitly, so that no environment variable opens what is closed here."""
    from starlette.middleware import Middleware

    from quoth.app.ui.headers import OwnOriginOnly
    from quoth.app.ui.page import style, theme
    from quoth.retrieval import LoadLimits

    return {
        "theme": theme(),
        "css": style(),
        "app_kwargs": {"middleware": [Middleware(OwnOriginOnly)]},
        "max_file_size": LoadLimits().max_bytes,
        "allowed_paths": [],
        "blocked_paths": [],
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "share": False,
        "mcp_server": False,
        "ssr_mode": False,
        "pwa": False,
        "num_workers": 0,
        "quiet": True,
    }
