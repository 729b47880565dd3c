"""What decides how answers come out: rows made under other conditions are not mixed."""

import hashlib
from pathlib import Path

from quoth.app.settings import Settings
from quoth.decoding.models import packaged_model_path, packaged_names
from quoth.retrieval import Index


def conditions_of(settings: Settings, index: Index) -> dict[str, object]:
    """The conditions of a run, as they stand in its rows."""
    status = index.status()
    return {
        "model": settings.model,
        "revision": settings.revision,
        "weights": weights_of(settings.model),
        "dtype": settings.dtype,
        "max_new_tokens": settings.max_new_tokens,
        "mode": settings.mode,
        "rerank": settings.rerank,
        "embedder": status.embedder_id,
        "indexed_passages": status.num_passages,
    }


def weights_of(model: str) -> str | None:
    """Size and date of the weights in a folder, as twelve letters; None for those of a hub.

    A checkpoint that is written anew under the same name is another model.
    """
    folder = packaged_model_path(model) if model in packaged_names() else Path(model)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        return None
    states = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr(states).encode()).hexdigest()[:12]
