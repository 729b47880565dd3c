"""Settings: a file, the environment and explicit values become one frozen `Settings`.

Later wins: defaults < `quoth.toml` < `QUOTH_*` environment variables < explicit values. An unknown
key or a bad value is a `ConfigError` that names it. Nothing outside this module reads `os.environ`.
"""

import hashlib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from quoth.errors import ConfigError
from quoth.retrieval import DEFAULT_EMBEDDER, MODES

DEFAULT_MODEL = "quoth-mini"
DRAFTINGS = ("auto", "reference", "none")
SETTINGS_FILE = "quoth.toml"
OTHER_VARIABLES = frozenset(  # of the environment, which are no settings
    {"QUOTH_HOME", "QUOTH_PORT", "QUOTH_DOCUMENTS", "QUOTH_TEST_DATA"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that an assistant is opened with.

    Raises:
        ConfigError: A value is out of its range; the message names the setting and the value.
    """

    index_path: Path
    model: str = DEFAULT_MODEL  # packaged name, Hugging Face name, or path
    embedder: str = DEFAULT_EMBEDDER  # packaged name, sentence-transformers name, or path
    revision: str | None = None  # of the model on the hub
    device: str = "auto"  # "auto", "cpu", "cuda", "cuda:1", "mps"
    dtype: str = "auto"  # "auto", "float32", "bfloat16", "float16"
    num_passages: int = 3  # at most so many are handed to the model
    mode: str = "hybrid"  # of the search: "hybrid", "dense" (by meaning), "lexical" (by words)
    rerank: str | None = None  # cross-encoder: sentence-transformers name, or path
    max_new_tokens: int = 160
    temperature: float = 0.0  # 0 is greedy
    top_p: float = 1.0
    seed: int = 0
    drafting: str = "auto"  # "none" is plain decoding
    phrases: Path | None = None  # file that `quoth phrases build` made for this model
    min_citation_chars: int = 12  # shorter copies are chance, not quotation
    max_question_chars: int = 4000

    def __post_init__(self) -> None:
        for name in ("num_passages", "max_new_tokens", "min_citation_chars", "max_question_chars"):
            _check(name, getattr(self, name), minimum=1)
        if not 0 <= self.temperature < float("inf"):
            raise ConfigError(f"temperature is {self.temperature}; it must be 0 or above.")
        if not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p is {self.top_p}; it must lie above 0 and at most at 1.")
        if not 0 <= self.seed < 2**64:
            raise ConfigError(f"seed is {self.seed}; it must lie from 0 to 2**64 - 1.")
        if self.mode not in MODES:
            raise ConfigError(f"mode is {self.mode!r}; known are: {', '.join(MODES)}.")
        if self.drafting not in DRAFTINGS:
            known = ", ".join(DRAFTINGS)
            raise ConfigError(f"drafting is {self.drafting!r}; known are: {known}.")


def _check(name: str, value: float, *, minimum: int) -> None:
    if value < minimum:
        raise ConfigError(f"{name} is {value}; it must be at least {minimum}.")


def home_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The folder for what Quoth keeps per user: `$QUOTH_HOME`, or the platform's data folder."""
    environ = os.environ if environ is None else environ
    if environ.get("QUOTH_HOME"):
        return Path(environ["QUOTH_HOME"]).expanduser()
    base = environ.get("LOCALAPPDATA") or environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "quoth"


def default_index_path(documents: Sequence[Path] = ()) -> Path:
    """Where the index of these documents lives if nobody says: one folder per set of paths.

    Args:
        documents: Files and folders; their order does not matter. None of them means the index
            named "default".
    """
    if not documents:
        return home_dir() / "indexes" / "default"
    resolved = sorted({str(path.expanduser().resolve()) for path in documents})
    digest = hashlib.sha256("\0".join(resolved).encode()).hexdigest()[:12]
    stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in Path(resolved[0]).stem)[:40]
    return home_dir() / "indexes" / f"{stem or 'root'}-{digest}"


def load_settings(
    overrides: Mapping[str, object] | None = None,
    *,
    documents: Sequence[Path] = (),
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Gather the settings from file, environment and `overrides` (whose `None`s do not count).

    Args:
        overrides: Explicit values, by the names of `Settings`.
        documents: Without an `index_path` from anywhere, the default index of these is taken.
        file: A TOML file; by default `quoth.toml` in the working folder, if there is one.
        environ: The environment; by default this process's.

    Raises:
        ConfigError: An unknown key, a bad value, or a file that cannot be read.
    """
    values: dict[str, object] = {}
    values |= _from_file(file)
    values |= _from_environment(os.environ if environ is None else environ)
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    values.setdefault("index_path", default_index_path(documents))
    return _validated(values)


def _from_file(file: Path | None) -> dict[str, object]:
    path = Path(SETTINGS_FILE) if file is None else file
    if file is None and not path.is_file():
        return {}
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"The settings file {str(path)!r} cannot be read: {error}.") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    return {
        key.removeprefix("QUOTH_").lower(): value
        for key, value in environ.items()
        if key.startswith("QUOTH_") and key not in OTHER_VARIABLES
    }


def _validated(values: Mapping[str, object]) -> Settings:
    from pydantic import TypeAdapter, ValidationError

    known = [field.name for field in fields(Settings)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(f"Unknown setting {unknown[0]!r}. Known are: {', '.join(known)}.")
    try:
        settings = TypeAdapter(Settings).validate_python(dict(values))
    except ValidationError as error:
        problem = error.errors()[0]
        if isinstance(cause := problem.get("ctx", {}).get("error"), ConfigError):
            raise cause from error
        name = ".".join(str(part) for part in problem["loc"])
        message = f"The setting {name} has the value {problem['input']!r}: {problem['msg']}."
        raise ConfigError(message) from error
    return replace(
        settings,
        index_path=settings.index_path.expanduser(),
        phrases=settings.phrases.expanduser() if settings.phrases else None,
    )
