"""Bulk ingestion on Ray: actors read, chunk and embed; this process alone writes the index.

    index.sync(paths, preparer=RayWorkers(num_actors=8, address="auto"))

On a cluster the paths must be the same on all machines; what a worker cannot read is sent to it.
Worker processes come and go; the index holds what was committed, and the next sync does the rest.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from quoth.app.ahead import AheadPreparer, Worker
from quoth.app.ray_pool import ActorPool
from quoth.errors import ConfigError, EmbedderMismatchError
from quoth.extras import require
from quoth.retrieval import load_embedder
from quoth.retrieval.embedder import Embedder
from quoth.retrieval.preparing import Recipe

_STORE_BYTES = 200 << 20  # shared memory of a local cluster; at most 64 MiB of files are in work
_AHEAD = 16  # files for every actor
_PASSED_ON = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HOME", "OMP_NUM_THREADS")


class RayWorkers:
    """The `preparer` of `Index.sync`; for its time, Ray is started, or the cluster joined.

    Args:
        num_actors: Worker processes; None: one for each CPU of the cluster.
        address: Of a running cluster, "auto" for one on this machine; None: a cluster of its own.
        load: Makes the embedder on a worker; None: `load_embedder` by the id of the index's own.
        gpus: GPUs, or parts of one, that each actor needs.
    """

    def __init__(
        self,
        num_actors: int | None = None,
        *,
        address: str | None = None,
        load: Callable[[], Embedder] | None = None,
        gpus: float = 0,
    ) -> None:
        if num_actors is not None and num_actors < 1:
            raise ConfigError(f"At least one actor is needed, not {num_actors}.")
        self._ray: Any = require("ray", extra="ray")
        self._num_actors = num_actors
        self._address = address
        self._load = load
        self._gpus = gpus

    @contextmanager
    def __call__(self, embedder: Embedder, recipe: Recipe) -> Iterator[AheadPreparer]:
        """Start the actors; a preparer that uses them; and stop what was started.

        Raises:
            EmbedderMismatchError: They loaded another embedder than `embedder`.
            ModelLoadError: They could not load it.
            ConfigError: The cluster has fewer CPUs than actors are wanted.
        """
        with self._cluster():
            num_actors = self._affordable_actors()
            load = self._load or partial(load_embedder, embedder.id)
            actor = self._ray.remote(Worker).options(
                num_cpus=1, num_gpus=self._gpus, runtime_env={"env_vars": _environment()}
            )
            spawn = partial(actor.remote, load, recipe)
            with closing(ActorPool(spawn, num_actors, "greet")) as pool:
                for answer in pool.start():
                    _check(embedder, answer)
                yield AheadPreparer(pool, max_files=_AHEAD * num_actors)

    @contextmanager
    def _cluster(self) -> Iterator[None]:
        """Ray, if it does not run in this process already."""
        if self._ray.is_initialized():
            yield
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if self._address is None:
            options |= {
                "num_cpus": self._num_actors or os.cpu_count(),
                "include_dashboard": False,
                "object_store_memory": _STORE_BYTES,
            }
        self._ray.init(self._address or "local", **options)
        try:
            yield
        finally:
            self._ray.shutdown()

    def _affordable_actors(self) -> int:
        num_cpus = int(self._ray.cluster_resources().get("CPU", 0))
        if max(1, self._num_actors or 1) > num_cpus:
            raise ConfigError(
                f"{self._num_actors or 1} actors need a CPU each, and the Ray cluster has "
                f"{num_cpus} CPUs. Ask for fewer actors, or add machines."
            )
        return self._num_actors or num_cpus


def _check(embedder: Embedder, answer: tuple[str, int]) -> None:
    loaded_id, dim = answer
    if answer != (embedder.id, embedder.dim):
        raise EmbedderMismatchError(
            built=embedder.id, built_dim=embedder.dim, given=loaded_id, given_dim=dim
        )


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
