"""Language models: those packaged with Quoth, and loading any other by name."""

from pathlib import Path

from quoth.errors import ConfigError

_PACKAGED = {"quoth-mini": "quoth_mini"}


def packaged_names() -> tuple[str, ...]:
    """The names of the models that come with the package."""
    return tuple(_PACKAGED)


def packaged_model_path(name: str) -> Path:
    """The folder of a packaged model's weights (which may be absent from a source checkout).

    Raises:
        ConfigError: No packaged model has this name.
    """
    if name not in _PACKAGED:
        raise ConfigError(
            f"There is no packaged model {name!r}. Packaged are: {', '.join(_PACKAGED)}."
        )
    return Path(__file__).parent / _PACKAGED[name]
