"""Services under stress: retries under way, answers that come too late, cold caches. What overload leaves behind.

All of it is state that follows a first-order lag (`twin/sim/laws/lag.py`): it stands still between two settles, and the
next step is scheduled. So overload has a memory: where a service can be well or collapsed, the state before decides.
"""

from __future__ import annotations

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats
from twin.sim.laws.lag import held, relaxed, snapped, step_s
from twin.sim.laws.retries import failed_share, late, retry_rate
from twin.sim.laws.shedding import admitted
from twin.sim.laws.warmth import joined, slowdown
from twin.sim.routing import Routing


class Stress:
    """Retry rate `[1/s, (K,)]`, whether answers are late (K, S) and cache warmth (K, S) of one run.

    `clients` are the services whose clients have a timeout: only theirs try again later, and only theirs give up.
    """

    def __init__(self, compiled: Compiled) -> None:
        stress, services = compiled.stress, compiled.services
        self._shape = services.replicas.shape
        self.rules(services.retries.astype(np.float64), services.retry_budget)
        self.clients: Bools = np.isfinite(stress.timeout_s)
        self.any_clients = bool(self.clients.any())
        self._timeout_s = np.where(self.clients, stress.timeout_s, 0.0)
        self._in_time_s = np.maximum(self._timeout_s - services.service_time_s, 0.0)[:, None]
        self._shed_above = stress.shed_above[:, None]
        self._any_threshold = bool(np.isfinite(stress.shed_above).any())
        self._warming: Bools = stress.warm_up_s > 0
        self.any_warming = bool(self._warming.any())
        self._warm_up_s, self._cold_factor = stress.warm_up_s[:, None], stress.cold_factor[:, None]
        self.forget()

    def rules(self, most_retries: Floats, budget: Floats) -> None:
        """How often a request is tried again at most (K,), and the retries for each first try (K,)."""
        self.most_retries, self.budget = np.maximum(most_retries, 0.0), np.maximum(budget, 0.0)

    def forget(self) -> None:
        """Start afresh: nobody tries again, nothing is late, all caches are warm."""
        self.retrying, self._target, self._requests = (np.zeros(self._shape[0]) for _ in range(3))
        self.late: Bools = np.zeros(self._shape, dtype=bool)
        self.warmth, self.slow = np.ones(self._shape), np.ones(self._shape)
        self._answering: Bools = np.zeros(self._shape, dtype=bool)
        self._seen: tuple[Floats, Floats] | None = None

    @property
    def at_rest(self) -> bool:
        """Whether nothing here remembers the past, and nothing but overload will make it."""
        return not (self.any_warming or self.retrying.any() or self._target.any() or self.late.any())

    # Cold caches

    def slowed(self, capacity: Floats, routing: Routing) -> Floats:
        """Return how much longer requests take than on warm replicas (K, S): new replicas and new users find cold caches."""
        share = _shares(routing)
        if self._seen is not None:
            warmth = joined(joined(self.warmth, self._seen[0], capacity), self._seen[1], share)
            self.warmth = snapped(np.where(self._warming[:, None], warmth, 1.0), 1.0, 1.0)
        self._seen, self._answering = (capacity, share), capacity > 0
        self.slow = slowdown(held(self.warmth, 1.0), self._cold_factor)
        return self.slow

    # Retries

    def again(self, requests: Floats, rows: slice) -> Floats:
        """Return the attempts for each first try of some services (T, k): those that failed a moment ago are made again."""
        more = held(self.retrying[rows], self._target[rows])
        return 1.0 + np.divide(more, requests, out=np.zeros_like(requests), where=requests > 0)

    def second_tries(self, requests: Floats) -> Floats:
        """Return the second attempts a second (T, K)."""
        return np.where(requests > 0, held(self.retrying, self._target), 0.0)

    @property
    def any_retrying(self) -> bool:
        """Whether some attempts are second ones."""
        return bool(self.retrying.any())

    def let_in(self, arrivals: Floats, shed: Floats, capacity: Floats, rows: slice) -> Floats:
        """Return the requests that some services let in (T, k, S): the arrivals themselves where nobody refuses any."""
        if not self._any_threshold and not shed.any():
            return arrivals
        most = np.where(capacity > 0, self._shed_above[rows] * np.maximum(capacity, 1e-300), np.inf)
        return admitted(arrivals, shed[rows], most)

    def disturbed(self, failing: Floats, refused: Bools) -> Bools:
        """Return the instants `[T]` at which clients with a timeout see failures: then they will remember."""
        seen = (failing > 0) | refused.any(axis=-1)
        return np.asarray((seen & self.clients).any(axis=-1))

    def note_waits(self, backlog: Floats, capacity: Floats, rate: Floats) -> None:
        """Take note of where what arrives now is answered too late (K, S), by the backlog and its rate."""
        if self.any_clients:
            waiting = late(backlog, self.late_from(capacity), rate, self.late)
            self.late = waiting & (capacity > 0) & self.clients[:, None]

    def late_from(self, capacity: Floats) -> Floats:
        """Return the backlog from which on answers come too late (K, S); 0 for clients without a timeout."""
        return capacity * self._in_time_s

    def requests_failing(self, attempts: Floats, rows: slice = slice(None)) -> Floats:
        """Return the share of requests of which all attempts fail (T, k): attempts fail for others than clients only once."""
        if not self.any_clients:
            return attempts
        failed = failed_share(attempts, self.most_retries[rows], self.budget[rows])
        return np.where(self.clients[rows], failed, attempts)

    def as_callers_see(self, attempts: Floats, mean: Floats, rows: slice) -> Floats:
        """Return the share of calls that fail by site (T, k, S): clients with a timeout try all sites."""
        if not self.any_clients:
            return attempts
        failed = self.requests_failing(mean, rows)[..., None]
        return np.where(self.clients[rows][:, None], failed, attempts)

    def aim(self, requests: Floats, attempts: Floats) -> None:
        """Clients of which this share of attempts fails (K,) will, a timeout later, try again at the rate of that."""
        if not self.any_clients:
            return
        target = retry_rate(requests, attempts, self.most_retries, self.budget)
        self._target = np.where(self.clients, target, 0.0)
        self._requests = requests
        self.retrying = snapped(self.retrying, self._target, requests + self._target)

    # Time

    def advance(self, seconds: float) -> None:
        """Move retry rates and warmth over `seconds` of constant conditions."""
        if self.any_clients:
            self.retrying = relaxed(self.retrying, self._target, seconds, self._timeout_s)
        if self.any_warming:
            warmer = relaxed(self.warmth, 1.0, seconds, np.broadcast_to(self._warm_up_s, self._shape))
            self.warmth = np.where(self._answering, warmer, self.warmth)

    def next_step(self) -> float:
        """Seconds until a retry rate or a warmth has moved by a step (infinite when none moves)."""
        due = np.inf
        if self.any_clients:
            steps = step_s(self.retrying, self._target, self._timeout_s, self._requests + self._target)
            due = min(due, float(steps.min(initial=np.inf)))
        if self.any_warming:
            steps = step_s(self.warmth, 1.0, self._warm_up_s, 1.0)
            due = min(due, float(np.where(self._answering, steps, np.inf).min(initial=np.inf)))
        return due


def _shares(routing: Routing) -> Floats:
    """How many regions' worth of users each site is given (K, S)."""
    total = routing.local.copy()
    for part in routing.parts:
        total += part.share * (routing.spill * part.regions).sum(axis=-1)[:, None]
    return total
