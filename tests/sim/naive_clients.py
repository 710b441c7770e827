"""One service and its clients, event by event in plain SimPy: timeouts, retries, a retry budget, a bounded queue.

It knows nothing of fluids and lags: it is what the fluid model of retries is held against.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import simpy


@dataclass
class Clients:
    """Poisson first tries at `rate(now)`; each attempt waits `timeout_s` for an answer, then is made again."""

    rate: Callable[[float], float]
    workers: int
    service_time_s: float
    longest_queue: int
    timeout_s: float
    retries: int
    budget: float
    seed: int
    asked: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    served: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)

    def run(self, until_s: float) -> Clients:
        """Play until a time."""
        self._rng, self._env = Random(self.seed), simpy.Environment()
        self._queue: deque[simpy.Event] = deque()
        self._idle, self._tokens = self.workers, 0.0
        self._env.process(self._come())
        self._env.run(until_s)
        return self

    def per_s(self, times: list[float], since_s: float, until_s: float) -> float:
        """How many of some happenings came a second in an interval."""
        return sum(since_s <= time < until_s for time in times) / (until_s - since_s)

    def _come(self) -> Generator[simpy.Event, Any, None]:
        while True:
            yield self._env.timeout(self._rng.expovariate(self.rate(self._env.now)))
            self._tokens = min(self._tokens + self.budget, 100.0)
            self.asked.append(self._env.now)
            self._env.process(self._ask())

    def _ask(self) -> Generator[simpy.Event, Any, None]:
        for attempt in range(self.retries + 1):
            if attempt:
                if self._tokens < 1.0:
                    return
                self._tokens -= 1.0
                self.again.append(self._env.now)
            answer, timeout = self._env.event(), self._env.timeout(self.timeout_s)
            if len(self._queue) < self.longest_queue:
                self._queue.append(answer)
                self._work()
            yield answer | timeout
            if answer.triggered:
                self.answered.append(self._env.now)
                return

    def _work(self) -> None:
        while self._idle and self._queue:
            self._idle -= 1
            self._env.process(self._serve(self._queue.popleft()))

    def _serve(self, answer: simpy.Event) -> Generator[simpy.Event, Any, None]:
        """The work is done whether its client still waits or not."""
        yield self._env.timeout(self._rng.expovariate(1.0 / self.service_time_s))
        self._idle += 1
        self.served.append(self._env.now)
        answer.succeed()
        self._work()
