"""Files to canonical texts. `load` picks the loader by suffix, or by looking at the content."""

from quoth.retrieval.loaders.registry import Loader, load, loader_for

__all__ = ["Loader", "load", "loader_for"]
