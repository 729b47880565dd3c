"""A few Ray actors that share a queue of jobs, and the jobs that outlive them.

An actor that dies is replaced. The job that it was at is tried again, and given up when it has cost
several actors: then it is the job that kills them. Knows nothing of documents.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

_AT_ONCE = 2  # jobs that an actor has: one in work, one to go on with
_TRIES = 3


class WorkerLostError(Exception):
    """A job has killed every worker that tried it."""


class Job:
    """A call of one method of an actor."""

    __slots__ = ("arguments", "deaths", "is_done", "method", "value")

    def __init__(self, method: str, *arguments: object) -> None:
        self.method = method
        self.arguments = arguments
        self.deaths = 0
        self.is_done = False
        self.value: Any = None

    @property
    def is_lost(self) -> bool:
        """Whether it was given up."""
        return self.deaths >= _TRIES


class ActorPool:
    """Runs jobs on `num_actors` actors, made by `spawn`. For one thread.

    Every new actor first does `greeting`, so that one that dies as it starts costs no job.
    """

    def __init__(self, spawn: Callable[[], Any], num_actors: int, greeting: str) -> None:
        import ray

        self._ray = ray
        self._spawn = spawn
        self._greeting = greeting
        self._urgent: deque[Job] = deque()
        self._queue: deque[Job] = deque()
        self._at_work: dict[Any, deque[tuple[Any, Job]]] = {}  # by actor, oldest job first
        self._greetings = [Job(greeting) for _ in range(num_actors)]
        for job in self._greetings:
            self._enlist(job)

    def start(self) -> list[Any]:
        """Wait until every actor has answered the greeting; the answers."""
        return [self.result(job) for job in self._greetings]

    def submit(self, job: Job, *, urgent: bool = False) -> None:
        """Have a job done, before the others if it is urgent."""
        (self._urgent if urgent else self._queue).append(job)
        self._fill()

    def withdraw(self, job: Job) -> None:
        """A job is not needed any more; nothing happens if it is in work."""
        for queue in (self._urgent, self._queue):
            if job in queue:
                queue.remove(job)

    def result(self, job: Job) -> Any:  # noqa: ANN401 - what the method returns
        """Wait for what a submitted job gives.

        Raises:
            WorkerLostError: It has killed several actors.
        """
        while not job.is_done:
            self.collect(wait=True)
        if job.is_lost:
            raise WorkerLostError(f"it has killed {job.deaths} workers")
        return job.value

    def collect(self, *, wait: bool = False) -> None:
        """Take in what is done by now, or wait until something is; hand out more."""
        refs = {ref: actor for actor, jobs in self._at_work.items() for ref, _ in jobs}
        ready, _ = self._ray.wait(
            list(refs), num_returns=1 if wait else len(refs), timeout=None if wait else 0
        )
        for actor in dict.fromkeys(refs[ref] for ref in ready):
            self._take_in(actor)
        self._fill()

    def close(self) -> None:
        """Stop the actors."""
        for actor in self._at_work:
            self._ray.kill(actor)
        self._at_work.clear()
        self._urgent.clear()
        self._queue.clear()

    def _enlist(self, greeting: Job) -> None:
        actor = self._spawn()
        self._at_work[actor] = deque()
        self._hand(actor, greeting)

    def _fill(self) -> None:
        while self._urgent or self._queue:
            actor = min(self._at_work, key=lambda one: len(self._at_work[one]))
            if len(self._at_work[actor]) == _AT_ONCE:
                return
            self._hand(actor, (self._urgent or self._queue).popleft())

    def _hand(self, actor: Any, job: Job) -> None:  # noqa: ANN401 - a handle
        self._at_work[actor].append((getattr(actor, job.method).remote(*job.arguments), job))

    def _take_in(self, actor: Any) -> None:  # noqa: ANN401 - a handle
        """What an actor has done. Actors do one job after the other, so the oldest kills it."""
        errors = self._ray.exceptions
        jobs = self._at_work[actor]
        while jobs:
            ref, job = jobs[0]
            try:
                job.value = self._ray.get(ref, timeout=0)
            except errors.GetTimeoutError:
                return
            except (errors.RayActorError, errors.OutOfMemoryError, errors.ObjectLostError) as error:
                self._bury(actor, error)
                return
            job.is_done = True
            jobs.popleft()

    def _bury(self, actor: Any, error: Exception) -> None:  # noqa: ANN401 - a handle
        (_, blamed), *others = self._at_work.pop(actor)
        self._ray.kill(actor)
        self._urgent.extendleft(job for _, job in reversed(others))
        blamed.deaths += 1
        if blamed.method == self._greeting:
            if blamed.is_lost:
                raise error
            self._enlist(blamed)
            return
        if blamed.is_lost:
            blamed.is_done = True
        else:
            self._urgent.appendleft(blamed)
        self._enlist(Job(self._greeting))
