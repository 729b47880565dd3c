"""Options that several commands share, and how they become settings."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quoth.app.settings import Settings, load_settings
from quoth.errors import InputError

if TYPE_CHECKING:
    from quoth.retrieval import Filters

Command = Callable[..., None]
PATH = click.Path(path_type=Path)

PATHS = click.argument("paths", nargs=-1, type=PATH, metavar="[PATH]...")
DOCS = click.option(
    "--docs", multiple=True, type=PATH, metavar="PATH...", help="The same, as for `quoth ask`."
)
JSON = click.option("--json", "as_json", is_flag=True, help="JSON on stdout, and nothing else.")

INDEX_OPTIONS = (
    click.option("--index", "index_path", type=PATH, help="Folder of the index."),
    click.option("--embedder", help="Embedder: name or path (sentence-transformers)."),
    click.option("--settings", "settings_file", type=PATH, help="TOML file instead of quoth.toml."),
)
SEARCH_OPTIONS = (
    click.option("--mode", help="Search: hybrid, dense (meaning), lexical (words).  [hybrid]"),
    click.option("--rerank", help="Cross-encoder that orders the passages: name or path."),
)
FILTER_OPTIONS = (
    click.option("--folder", multiple=True, help="Only from documents below this folder."),
    click.option("--type", "formats", multiple=True, help="Only from these: pdf, md, code, ..."),
    click.option("--tag", "tags", multiple=True, help="Only from documents with this tag."),
)
LOADING_OPTIONS = (
    click.option("--model", help="Language model: Hugging Face name or path.  [quoth-mini]"),
    click.option("--revision", help="Revision of the model on the hub."),
    click.option("--device", help="auto, cpu, cuda, cuda:1, mps.  [auto]"),
    click.option("--dtype", help="auto, float32, bfloat16, float16.  [auto]"),
)
ANSWER_LENGTH = click.option("--max-new-tokens", type=int, help="Longest answer, in tokens.  [160]")
DRAFTING = click.option("--drafting", help="auto, reference, or none for plain decoding.  [auto]")
MODEL_OPTIONS = (
    *LOADING_OPTIONS,
    click.option("-k", "--num-passages", type=int, help="Passages handed to the model.  [3]"),
    ANSWER_LENGTH,
    click.option("--temperature", type=float, help="0 is greedy.  [0]"),
    click.option("--top-p", type=float, help="Nucleus sampling, with a temperature.  [1]"),
    click.option("--seed", type=int, help="Seed of sampling.  [0]"),
    click.option("--phrases", type=PATH, help="File of phrases to draft from, too."),
    DRAFTING,
)


def with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Add options to a command, in the order given."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def filters_from(options: dict[str, Any]) -> "Filters":
    """Filters out of a command's options, which are taken out of them."""
    from quoth.retrieval import Filters

    folders = options.pop("folder")
    here = [str(Path(folder).resolve()) for folder in folders if Path(folder).is_dir()]
    return Filters(
        folders=(*folders, *here), formats=options.pop("formats"), tags=options.pop("tags")
    )


def settings_from(
    options: dict[str, Any],  # as click hands them over
    documents: Sequence[Path] = (),
) -> Settings:
    """Settings out of a command's options; the index of `documents` unless one is named.

    Raises:
        ConfigError: A value is bad, or a file or variable names an unknown setting.
        InputError: A document path does not exist.
    """
    for path in documents:
        if not path.exists():
            raise InputError(f"There is no file or folder {str(path)!r}. Check the path.")
    overrides = dict(options)
    file = overrides.pop("settings_file", None)
    return load_settings(overrides, documents=documents, file=file)
