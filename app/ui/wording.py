"""Words that the page says in more than one place."""

from typing import Final

CHANGED: Final = "The source has changed since; this text is no longer there."
