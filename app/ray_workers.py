"""Bulk ingestion on Ray: actors read, chunk and embed; this process alone writes the index.

    with RayWorkers(num_actors=8, address="auto") as workers:
        index.sync(paths, preparer=workers)

On a cluster the paths must be the same on all machines; what a worker cannot read is sent to it.
Worker processes come and go; the index holds what was committed, and the next sync does the rest.
"""

import os
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

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
    """Starts Ray, or joins the cluster at `address`; the `preparer` of `Index.sync`.

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
        self._pool: ActorPool | None = None
        self._is_ours = False

    def __enter__(self) -> Self:
        if not self._ray.is_initialized():
            self._start()
            self._is_ours = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        if self._is_ours:
            self._ray.shutdown()

    def __call__(self, embedder: Embedder, recipe: Recipe) -> AheadPreparer:
        """Start the actors; a preparer that uses them until the next is made.

        Raises:
            EmbedderMismatchError: They loaded another embedder than `embedder`.
            ModelLoadError: They could not load it.
            ConfigError: The cluster has fewer CPUs than actors are wanted.
        """
        self._stop()
        num_actors = self._affordable_actors()
        load = self._load or partial(load_embedder, embedder.id)
        actor = self._ray.remote(Worker).options(
            num_cpus=1, num_gpus=self._gpus, runtime_env={"env_vars": _environment()}
        )
        self._pool = pool = ActorPool(partial(actor.remote, load, recipe), num_actors, "greet")
        for loaded_id, dim in pool.start():
            if (loaded_id, dim) != (embedder.id, embedder.dim):
                raise EmbedderMismatchError(
                    built=embedder.id, built_dim=embedder.dim, given=loaded_id, given_dim=dim
                )
        return AheadPreparer(pool, max_files=_AHEAD * num_actors)

    def _affordable_actors(self) -> int:
        num_cpus = int(self._ray.cluster_resources().get("CPU", 0))
        if max(1, self._num_actors or 1) > num_cpus:
            raise ConfigError(
                f"{self._num_actors or 1} actors need a CPU each, and the Ray cluster has "
                f"{num_cpus} CPUs. Ask for fewer actors, or add machines."
            )
        return self._num_actors or num_cpus

    def _start(self) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if self._address is None:
            options |= {
                "num_cpus": self._num_actors or os.cpu_count(),
                "include_dashboard": False,
                "object_store_memory": _STORE_BYTES,
            }
        self._ray.init(self._address or "local", **options)

    def _stop(self) -> None:
        if self._pool:
            self._pool.close()
            self._pool = None


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
