"""Services: arrivals through the call graph, queues per replica, backlog as state, errors, retries, failover.

Within a settle everything is a function of the state; between settles only the backlog moves, linearly, and the
next crossing of one of its thresholds is scheduled.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats, Ints
from twin.sim.calls import call_levels
from twin.sim.end_to_end import failing_attempts
from twin.sim.laws.mixing import mixed
from twin.sim.laws.retries import retried_share, tries_again
from twin.sim.queueing import P99Table
from twin.sim.routing import Routing, spread_calls, spread_users
from twin.sim.state import State
from twin.sim.stress import Stress

# Above this utilisation a queue needs longer than a demand knot to become stationary: from here the fluid backlog,
# and not the stationary tail, says how long requests wait.
RHO_STATIONARY = 0.98
THRESHOLDS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
EPS = 1e-9
# From here a queue counts as full: where warming caches let its bound grow, it would be chased for ever.
BRIM = 1.0 - 1e-6


@dataclass
class Flows:
    """What the services do until the next settle. Shapes (K, S) and (K,), with a leading axis of time in a block; in 1/s.

    `sound` is the share of what a site takes in of which no call fails (None: all of it).
    `worst` says for callers whose p99 includes what they call what it was at the worst site (`callers.py`); else None.
    """

    arrivals: Floats
    passed: Floats
    rho: Floats
    p99_s: Floats
    backlog_rate: Floats | None
    requests: Floats
    errors: Floats
    retries: Floats
    remote: Floats
    sound: Floats | None = None
    worst: Floats | None = None

    def part(self, columns: slice | int) -> Flows:
        """Return the flows of some instants of a block, or of one."""
        whole = {field.name: getattr(self, field.name) for field in fields(self)}
        parts: dict[str, Any] = {name: v if v is None else v[columns] for name, v in whole.items()}
        return Flows(**parts)


@dataclass(frozen=True)
class Answer:
    """Where services answer, and how much they can take there `[1/s]` (K, S)."""

    able: Bools
    capacity: Floats
    inverse: Floats


class ServiceEngine:
    """Owns the backlog and what the load balancers believe."""

    def __init__(self, compiled: Compiled) -> None:
        services = compiled.services
        self._compiled, self._services = compiled, services
        stress = compiled.stress
        self._table = P99Table(
            services.slots, services.service_time_s, (stress.arrival_scv, stress.service_scv)
        )
        shape = services.replicas.shape
        self._p99_idle = self._table.seconds(np.zeros((shape[0], 1)))
        self.backlog = np.zeros(shape)
        # The share of it that fails for a call or a link, and so was counted as an error when it came.
        self._counted = np.zeros(shape)
        self.answer = Answer(np.zeros(shape, dtype=bool), np.zeros(shape), np.zeros(shape))
        self.believed: Bools | None = None
        self._since = np.full(shape, np.inf)
        self._levels = call_levels(services)
        self._has_backlog = False
        self._certain = False
        self._first = slice(0, int(services.level_starts[1]) if len(services.level_starts) > 1 else 0)
        rate = services.slots / services.service_time_s
        self._rate = np.repeat(rate, shape[1])
        self.dropped = np.zeros(shape[0])
        self.stress = Stress(compiled)
        self._calling = bool(stress.fanout.any())
        self._shed: Floats = np.zeros(shape)
        self._capacity = np.zeros(shape)

    @property
    def able(self) -> Bools:
        """Where services answer (K, S)."""
        return self.answer.able

    def set_capacity(self, running: Floats, site_ok: Bools, storage_ok: Bools, cells: Ints | slice) -> None:
        """Take note of the running replicas (K, S) in some cells (flat indices, or all); an answer never changes, it is replaced.

        A service answers where it has replicas, a network and its storage.
        """
        some, sites = running.ravel()[cells], running.shape[1]
        cell = np.arange(running.size)[cells] if isinstance(cells, slice) else cells
        able = (some > EPS) & site_ok[cell % sites] & storage_ok[cell // sites]
        capacity = np.where(able, some * self._rate[cells], 0.0)
        answer = Answer(self.able.copy(), self.answer.capacity.copy(), self.answer.inverse.copy())
        answer.able.ravel()[cells] = able
        answer.capacity.ravel()[cells] = capacity
        answer.inverse.ravel()[cells] = np.divide(1.0, capacity, out=np.zeros_like(capacity), where=able)
        self._certain = self._certain and np.array_equal(answer.able, self.able)
        self.answer = answer
        if self._has_backlog:
            gone = self.backlog * ~self.able
            self._drop(gone)
            self.backlog -= gone

    def _drop(self, gone: Floats) -> None:
        """Requests that wait fail, but for those that have been counted (clients with a timeout try again)."""
        self.dropped += (gone * (1.0 - self._counted)).sum(axis=1) * ~self.stress.clients

    def restore(self, answer: Answer) -> None:
        """Go back to an earlier answer that load balancers knew of."""
        self.answer, self._certain = answer, True

    def update_beliefs(self, now: float, *, frozen: bool) -> bool:
        """Load balancers learn what changed `failover_s` ago (nothing while the control plane is lost); return if they did."""
        if self.believed is None:
            self.believed, self._certain = self.able.copy(), True
            return True
        if self._certain:
            return False
        wrong = self.believed != self.able
        self._certain = not wrong.any()
        self._since = np.where(wrong, np.minimum(self._since, now), np.inf)
        due = wrong & (self._since + self._services.failover_s[:, None] <= now + EPS)
        if frozen or not due.any():
            return False
        self.believed[due] = self.able[due]
        self._since[due] = np.inf
        return True

    @property
    def at_rest(self) -> bool:
        """Whether nothing here remembers the past: no backlog, and the load balancers know the truth."""
        return self._certain and not self._has_backlog and self.stress.at_rest

    def forget(self) -> None:
        """Start afresh: no backlog, and the load balancers know the truth at the next settle."""
        self.believed = None
        self._certain = False
        self._since[:] = np.inf
        self.backlog[:] = 0.0
        self._has_backlog = False
        self.stress.forget()

    def next_belief(self, now: float) -> float:
        """Time of the next change of mind (infinite when all know the truth)."""
        since = self._since
        if self._certain or not np.isfinite(since).any():
            return np.inf
        due = since + self._services.failover_s[:, None]
        return float(due[due > now + EPS].min(initial=np.inf))

    def flows(self, routing: Routing, demand: Floats, answers: Answer, state: State) -> Flows:
        """Settle the services for a block of instants, as far as nothing overflows; if it does at the first, for that alone.

        `demand` is (T, K, G); the capacities of `answers` are (K, S), or (T, K, S) when servers break on the way; `state`
        says what is refused and tried again. Cost: a few passes over (T, K, S) and over T x calls x sites.
        """
        self._shed = state.shed
        answers = self._with_cold_caches(answers, routing)
        self.stress.rules(state.retries, state.retry_budget)
        arrivals, nowhere = spread_users(self._compiled, routing, demand)
        requests = np.empty_like(nowhere)
        remote = np.zeros_like(arrivals) if self._levels else arrivals[:, :0]
        self._try_again(arrivals, nowhere, requests, self._first)
        for level in self._levels:
            made = level.calls.each(self._passed(arrivals, level.above, answers))
            here, lost, leaving = spread_calls(routing, level.rows, made)
            arrivals[:, level.rows] += here
            nowhere[:, level.rows] += lost
            remote[:, level.rows] = leaving
            self._try_again(arrivals, nowhere, requests, level.rows)
        dead = self.believed & ~self.able if self.believed is not None else ~self.able
        failing = nowhere
        retries = np.zeros_like(requests)
        if self.stress.any_retrying:
            retries = retries + self.stress.second_tries(requests)
        if dead.any():
            failing, more = self._resend(arrivals, dead, requests, nowhere)
            retries += more
        return self._queue(
            Flows(arrivals, arrivals, arrivals, nowhere, None, requests, failing, retries, remote), answers
        )

    def _with_cold_caches(self, answers: Answer, routing: Routing) -> Answer:
        if answers.capacity.ndim > 2:  # servers break on the way: everything is at rest
            self._capacity = answers.capacity[0]
            return answers
        if self.stress.any_warming:
            slow = self.stress.slowed(answers.capacity, routing)
            answers = Answer(answers.able, answers.capacity / slow, answers.inverse * slow)
        self._capacity = answers.capacity
        return answers

    def _try_again(self, arrivals: Floats, nowhere: Floats, requests: Floats, rows: slice) -> None:
        """Count the requests of some services whose arrivals are complete; those that failed a moment ago come again."""
        requests[:, rows] = arrivals[:, rows].sum(axis=-1) + nowhere[:, rows]
        if self.stress.any_retrying:
            arrivals[:, rows] *= self.stress.again(requests[:, rows], rows)[..., None]

    def _passed(self, arrivals: Floats, rows: slice, answers: Answer) -> Floats:
        """Requests that callers get through: what is let in, at most the capacity; the capacity while there is a backlog."""
        capacity = answers.capacity[..., rows, :]
        let_in = self.stress.let_in(arrivals[:, rows], self._shed, capacity, rows)
        passed = np.minimum(let_in, capacity)
        if self._has_backlog:
            passed = np.where(self.backlog[rows] > 0, capacity, passed)
        return passed

    def _resend(
        self, arrivals: Floats, dead: Bools, requests: Floats, nowhere: Floats
    ) -> tuple[Floats, Floats]:
        """Requests sent to dead sites fail at once and are tried again elsewhere (in place); return errors and retries.

        With p the share that meets a dead site, R retries and a budget β, a share q = min(1, β / (p + … + p^R)) of the
        failures is retried and λp(1 − q + q·p^R) stays failed. Clients with a timeout notice later: none of theirs is.
        """
        most, budget = self.stress.most_retries, self.stress.budget
        total = arrivals.sum(axis=-1)
        p = np.divide((arrivals * dead).sum(axis=-1), total, out=np.zeros_like(total), where=total > 0)
        again = tries_again(p, most)
        q = retried_share(p, most, budget) * ~self.stress.clients
        arrivals *= np.where(dead, 0.0, (1.0 + q * again)[..., None])
        failing = nowhere + total * p * (1.0 - q + q * p**most)
        return np.where(self.stress.clients, nowhere + (requests - nowhere) * p, failing), total * q * again

    def _queue(self, flows: Flows, answers: Answer) -> Flows:
        let_in = self.stress.let_in(flows.arrivals, self._shed, answers.capacity, slice(None))
        refusing = let_in is not flows.arrivals
        over = (let_in > answers.capacity) & self.able
        full: Bools = np.any(over, axis=(1, 2))
        if self.stress.any_clients:
            full |= self.stress.disturbed(flows.errors, let_in < flows.arrivals)
        if full.any() and len(full) > 1:
            # What overflows has memory: it is settled alone, and what comes before it without it.
            quiet = max(1, int(full.argmax()))
            flows, over, full = flows.part(slice(quiet)), over[:quiet], full[:quiet]
            let_in = let_in[:quiet]
            if answers.capacity.ndim > over.ndim - 1:
                answers = Answer(answers.able, answers.capacity[:quiet], answers.inverse[:quiet])
        rho = let_in * answers.inverse
        p99 = self._table.seconds(np.minimum(rho, RHO_STATIONARY))
        if self.stress.any_warming:
            p99 *= self.stress.slow
        flows.passed, wait = let_in, None
        lost = 1.0 - _share(let_in, flows.arrivals) if refusing else None
        if self._has_backlog or full.any():
            overflow, wait = self._overload(flows, let_in, over, answers)
            p99 += wait
            refused = _share(overflow, let_in, 0.0)
            lost = refused if lost is None else 1.0 - (1.0 - lost) * (1.0 - refused)
            lost = np.where(self.stress.late, 1.0, lost)
        most = self._p99_idle * self.stress.slow + self._services.max_wait_s[:, None]
        np.minimum(p99, most, out=p99)
        flows.rho = rho
        p99 *= self.answering(flows)
        flows.p99_s = p99.max(axis=-1, initial=0.0)
        if self._calling:
            flows.worst = self._at_worst(p99, rho, wait)
        attempts, flows.sound = failing_attempts(
            self._levels, flows, lost, believed=self.believed, stress=self.stress
        )
        if len(attempts) == 1:
            self.stress.aim(flows.requests[0], attempts[0])
        flows.errors = flows.requests * self.stress.requests_failing(attempts)
        return flows

    def answering(self, flows: Flows) -> Bools:
        """Where services answer more than a hundredth of their requests, so that a p99 sees it (T, K, S)."""
        visible: Bools = (flows.arrivals > (0.01 * flows.requests)[..., None]) & self.able
        return visible

    def _at_worst(self, p99: Floats, rho: Floats, wait: Floats | None) -> Floats:
        """p99, utilisation, wait and slowness at the site where the p99 is worst (T, 4, K)."""
        worst = p99.argmax(axis=-1)[..., None]
        slow = np.broadcast_to(self.stress.slow, p99.shape)
        wait = np.zeros_like(rho) if wait is None else np.broadcast_to(wait, p99.shape)
        all_of_it = (p99, np.minimum(rho, RHO_STATIONARY), wait, slow)
        return np.stack([np.take_along_axis(x, worst, axis=-1)[..., 0] for x in all_of_it], axis=1)

    def _overload(self, flows: Flows, let_in: Floats, over: Bools, answers: Answer) -> tuple[Floats, Floats]:
        """Fill or drain the backlog at one instant; what does not fit in `max_wait` overflows.

        Returns overflow (1, K, S) and the wait `[s]`.
        """
        services, capacity = self._services, answers.capacity
        full = self._capacity * services.max_wait_s[:, None]
        # Where capacity fell, more wait than can be served in time: those fail now.
        self._drop(np.maximum(self.backlog - full, 0.0))
        np.minimum(self.backlog, full, out=self.backlog)
        net = np.where(over | (self.backlog > 0), let_in - capacity, 0.0)
        brimming = (net > 0) & (self.backlog >= full * BRIM)
        overflow = np.where(brimming, net, 0.0)
        flows.backlog_rate = np.where(brimming, 0.0, net)
        flows.passed = np.where(self.backlog > 0, capacity, np.minimum(let_in, capacity))
        self.stress.note_waits(self.backlog, capacity, np.zeros_like(self.backlog))
        failed = overflow.sum(axis=-1) * ~self.stress.clients
        flows.retries = flows.retries + np.minimum(
            self.stress.budget * flows.requests, failed * self.stress.most_retries
        )
        return overflow, self.backlog * answers.inverse

    def advance(self, flows: Flows | None, seconds: float) -> None:
        """Move the backlog and what clients and caches remember over `seconds` of constant flows."""
        self.stress.advance(seconds)
        if flows is None or flows.backlog_rate is None:
            return
        full = self._capacity * self._services.max_wait_s[:, None]
        before, coming = self.backlog, self._fails_later(flows)
        self.backlog = before + flows.backlog_rate * seconds
        self.backlog[self.backlog < EPS * np.maximum(full, 1.0)] = 0.0
        np.minimum(self.backlog, full, out=self.backlog)
        self._counted = mixed(self._counted, coming, before, self.backlog, self._capacity * seconds)
        self._has_backlog = bool(self.backlog.any())
        self.stress.note_waits(self.backlog, self._capacity, flows.backlog_rate)

    def _fails_later(self, flows: Flows) -> Floats:
        """Share of what sites take in that fails for a call or for the network (K, S): it has been counted already."""
        taken = flows.passed if flows.backlog_rate is None else flows.passed + flows.backlog_rate
        sound = np.ones_like(taken) if flows.sound is None else flows.sound
        whole, left = (taken * sound).sum(axis=-1), flows.requests - flows.errors
        arrive = np.divide(left, whole, out=np.ones_like(whole), where=whole > 0)
        return 1.0 - sound * np.clip(arrive, 0.0, 1.0)[:, None]

    def next_crossing(self, flows: Flows) -> float:
        """Seconds until something that moves has moved by a step (infinite when nothing does)."""
        return min(self._next_mark(flows), self.stress.next_step())

    def _next_mark(self, flows: Flows) -> float:
        """Seconds until a backlog crosses a quarter of its bound, or the length from which on answers are late."""
        moving = np.flatnonzero(flows.backlog_rate) if flows.backlog_rate is not None else np.zeros(0, int)
        if flows.backlog_rate is None or not len(moving):
            return np.inf
        rate = flows.backlog_rate.ravel()[moving]
        level = self.backlog.ravel()[moving]
        full = (self._capacity * self._services.max_wait_s[:, None]).ravel()[moving]
        late = np.minimum(self.stress.late_from(self._capacity).ravel()[moving], full)
        marks = np.vstack([THRESHOLDS[:, None] * full, late])
        ahead = np.where(rate > 0, marks > level * (1 + 1e-9) + EPS, marks < level * (1 - 1e-9) - EPS)
        seconds = np.where(ahead, (marks - level) / rate, np.inf)
        return float(np.maximum(seconds.min(initial=np.inf), 1e-6))


def _share(part: Floats, whole: Floats, otherwise: float = 1.0) -> Floats:
    return np.divide(part, whole, out=np.full_like(whole, otherwise), where=whole > 0)
