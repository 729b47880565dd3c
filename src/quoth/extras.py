"""Optional dependencies: imported where they are needed, missed with a remedy."""

from importlib import import_module
from types import ModuleType

from quoth.errors import MissingExtraError


def require(module: str, *, extra: str) -> ModuleType:
    """Import `module`, which the extra `extra` installs.

    Raises:
        MissingExtraError: It is not installed; the message names the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(module=module, extra=extra) from error
