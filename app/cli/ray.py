"""Options of `quoth index sync` that have Ray or Docling do the work."""

from typing import TYPE_CHECKING, Any

import click

from quoth.errors import ConfigError

if TYPE_CHECKING:
    from quoth.retrieval.preparing import OpenPreparer

PREPARER_OPTIONS = (
    click.option("--docling", is_flag=True, help="Read PDFs with Docling (extra: docling)."),
    click.option("--ray", is_flag=True, help="Read and embed on Ray actors (extra: ray)."),
    click.option("--ray-address", help="Ray cluster to join; auto: one that runs here."),
    click.option("--ray-actors", type=int, help="Ray actors.  [one for each CPU of the cluster]"),
)


def taken_preparer(options: dict[str, Any]) -> "OpenPreparer":
    """Take these options out of a command's; what they ask for.

    Raises:
        ConfigError: Ray's options are given without `--ray`, or with `--docling`; a value is bad.
        MissingExtraError: Ray is not installed.
    """
    has_docling = options.pop("docling")
    is_wanted, address, num_actors = (
        options.pop(name) for name in ("ray", "ray_address", "ray_actors")
    )
    if is_wanted and has_docling:
        raise ConfigError("--ray and --docling exclude each other. Leave one of them out.")
    if is_wanted:
        from quoth.app.ray_workers import RayWorkers

        return RayWorkers(num_actors, address=address)
    if address is not None or num_actors is not None:
        raise ConfigError("--ray-address and --ray-actors say how to use Ray. Add --ray.")
    if has_docling:
        from quoth.app.docling_reader import docling_preparer

        return docling_preparer
    from quoth.retrieval.preparing import local_preparer

    return local_preparer
