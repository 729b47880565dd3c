"""What an index folder is: format version, identity, and the embedder that its vectors are from."""

import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from quoth.errors import EmbedderMismatchError, IndexFormatError, IndexNotFoundError
from quoth.retrieval.atomic import replace_file
from quoth.retrieval.embedder import Embedder

MANIFEST = "manifest.json"
FORMAT = "quoth-index"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The content of `manifest.json`."""

    index_id: str
    embedder_id: str
    dim: int
    version: int = VERSION

    def check_embedder(self, embedder: Embedder) -> None:
        """Refuse an embedder that the vectors are not from.

        Raises:
            EmbedderMismatchError: It has another id or dimension; the message names both.
        """
        if (embedder.id, embedder.dim) != (self.embedder_id, self.dim):
            raise EmbedderMismatchError(
                built=self.embedder_id,
                built_dim=self.dim,
                given=embedder.id,
                given_dim=embedder.dim,
            )


def new_manifest(embedder: Embedder) -> Manifest:
    """A manifest with a fresh identity."""
    return Manifest(index_id=uuid.uuid4().hex, embedder_id=embedder.id, dim=embedder.dim)


def renewed(manifest: Manifest) -> Manifest:
    """The same with another identity: what was made for the former one does not fit any more."""
    return replace(manifest, index_id=uuid.uuid4().hex)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json`, in one step."""
    content = {
        "format": FORMAT,
        "version": manifest.version,
        "index_id": manifest.index_id,
        "embedder": {"id": manifest.embedder_id, "dim": manifest.dim},
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    replace_file(folder / MANIFEST, lambda path: _write(path, text))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def read_manifest(folder: Path) -> Manifest:
    """Read `manifest.json`.

    Raises:
        IndexNotFoundError: There is no index in `folder`.
        IndexFormatError: The manifest is damaged, or of a newer format.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _manifest(content, folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IndexNotFoundError(
            f"There is no index in {folder}. Make one with: "
            f"quoth index sync --index {folder} DOCUMENTS..."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexFormatError(
            f"{path} is not readable as an index manifest ({error}). {rebuild_advice(folder)}"
        ) from error


def _manifest(content: dict[str, Any], folder: Path) -> Manifest:
    if content["format"] != FORMAT:
        raise ValueError(f"its format is {content['format']!r}")
    version = int(content["version"])
    if version > VERSION:
        raise IndexFormatError(
            f"The index in {folder} has format version {version}; this Quoth reads up to "
            f"{VERSION}. Upgrade with: pip install --upgrade quoth"
        )
    return Manifest(
        index_id=str(content["index_id"]),
        embedder_id=str(content["embedder"]["id"]),
        dim=int(content["embedder"]["dim"]),
        version=version,
    )


def repair_advice(folder: Path) -> str:
    """What to do with an index of which something may be saved."""
    return (
        f"The documents are not affected. Save what can be with: quoth index repair --index "
        f"{folder}; then sync again. Or delete the folder {folder} and make the index again with: "
        f"quoth index sync --index {folder} DOCUMENTS..."
    )


def rebuild_advice(folder: Path) -> str:
    """What to do with an index that is beyond repair."""
    return (
        f"The documents are not affected. Delete the folder {folder} and make the index again "
        f"with: quoth index sync --index {folder} DOCUMENTS..."
    )
