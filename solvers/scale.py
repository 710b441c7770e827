"""Capacity plans for fleets that no MIP solver finishes: prices, whole servers, ejection, and an honest gap, in a given time.

    counts, bound, trace = solve_large(problem, time_limit_s=60)

What comes back is lawful at any time: if the clock or `should_stop` ends the search early, it is the best plan so far, and the
bound is the best so far. `trace` says what was found when, and keeps the prices: tomorrow, or after a loss, they are the
`guide` from which the search starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from solvers.ejection import improve, seize, serve
from solvers.oracle import Oracle
from solvers.prices import Volume
from solvers.problem import CapacityProblem, Family, Floats, Ints
from solvers.rounding import give_back, lift, polish, top_up
from solvers.separate import best_answers
from solvers.whole import Plan, Terms, plan, plan_cost, terms

WIDE = 5e-3  # of the cost: a gap that another plan might close
SETTLED = 2e-5  # of the bound: prices whose steps aim at less are as good as they get
BIDS = 20  # rounds of an auction
TRIES = 200  # chains between two looks at the clock
REGRETTED = 500  # pairs that may be improved between two looks at the clock


@dataclass
class Trace:
    """What was found when: (seconds, what, bound, cost of the best plan); the last prices; how often the oracle was asked."""

    events: list[tuple[float, str, float, float]] = field(default_factory=list)
    prices: Floats = field(default_factory=lambda: np.zeros(0))
    guide: Floats = field(default_factory=lambda: np.zeros(0))
    turns: int = 0

    @property
    def cost(self) -> float:
        """Return the cost of the best plan."""
        return self.events[-1][3]


class Found(NamedTuple):
    """The counts of the plan `[P]`, a lower bound on the cost of every plan, and how it went."""

    counts: Ints
    bound: float
    trace: Trace


def solve_large(
    problem: CapacityProblem,
    *,
    time_limit_s: float,
    guide: Trace | None = None,
    log: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Found:
    """Return the best plan found in time; `guide` is the trace of a problem with the same pairs and rows, solved before."""
    search = Search(problem, time_limit_s, log, should_stop)
    search.start(guide)
    if guide is None:
        search.price(0.15, together=True)
    search.price(0.5, together=False)
    search.round(until=0.75)
    search.price(0.85, together=False)
    if search.hopeful():
        search.round(until=0.95)
    search.improve()
    return search.found()


def ready() -> None:
    """Compile what numba compiles, or load it from the cache: a minute the first time on a machine, then a second."""
    family = Family("domain", ("a", "b"), np.array([0, 1]))
    one = np.array([1, 1])
    toy = CapacityProblem(
        ("a", "b"), ("one",), one, np.zeros(2, np.int64), ("type",), np.array([0, 1]), np.zeros(2, np.int64), np.ones(2),
        np.zeros(2, np.int64), np.array([5.0]), (family,), np.array([[True]]), np.ones(1),
    )  # fmt: skip
    layout, nothing, order = terms(toy), np.zeros(2), np.zeros(1, np.int64)
    made = plan(toy, layout, toy.now)
    Oracle(toy).ask(np.zeros(2))
    give_back(layout, made, nothing)
    top_up(layout, made, order, nothing)
    seize(layout, made, order, nothing, np.zeros(1))
    lift(layout, made, order)
    serve(layout, made, order, nothing, np.zeros(1), 1)
    polish(layout, made)
    improve(layout, made, np.arange(2), nothing, np.zeros(1))
    plan_cost(layout, made)


class Search:
    """One search: the volume algorithm, the best plan so far, and the clock."""

    def __init__(
        self,
        problem: CapacityProblem,
        time_limit_s: float,
        log: Callable[[str], None] | None,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self.began, self.limit = time.perf_counter(), time_limit_s
        self.log, self.stopped = log or (lambda _: None), should_stop or (lambda: False)
        if not best_answers.signatures:
            self.log(
                "making the compiled code ready (a minute when it is the first time on this machine, then it is kept)"
            )
            ready()
            self.began = time.perf_counter()
        self.problem, self.trace, self.rounded = problem, Trace(), 0
        self.terms: Terms = terms(problem)
        self.best: Plan = plan(
            problem, self.terms, np.minimum(problem.now, problem.servers[problem.pair_cell])
        )
        give_back(self.terms, self.best, np.zeros(problem.pairs))
        self.cost = float(plan_cost(self.terms, self.best))
        self.note("what there is now", -np.inf)

    def start(self, guide: Trace | None) -> None:
        """Ask for a first bound: at yesterday's prices, or at none."""
        self.oracle = Oracle(self.problem)
        self.volume = Volume(self.oracle, None if guide is None else guide.prices)
        if guide is not None:
            self.volume.aim *= 0.1
        self.note("first prices", self.volume.bound)

    def over(self) -> bool:
        """Return whether time is up or a stop was asked for."""
        return self.part() >= 1.0 or self.stopped()

    def price(self, part: float, *, together: bool) -> None:
        """Improve prices until a part of the time is over or they have settled."""
        if together != self.volume.together:
            self.volume.alone()
        self.volume.run(self.began + part * self.limit, self.stopped, settled=SETTLED)
        self.note("prices", self.volume.bound)

    def hopeful(self) -> bool:
        """Return whether another plan is worth its time: the prices have moved, or the gap is wide."""
        return self.volume.turns > 1.2 * self.rounded or self.cost - self.volume.bound > WIDE * abs(self.cost)

    def round(self, until: float) -> None:
        """Make whole plans from the mean that was bought, the dearest reservations first, then the largest; keep the best.

        The auction and chains go on until a part of the time is over.
        """
        prices, worth = self._guides()
        self.rounded = self.volume.turns
        began, end = self.part(), until
        for name, order in (
            ("dearest", np.argsort(-worth, kind="stable")),
            ("largest", np.argsort(-self.problem.demand)),
        ):
            if self.over() or (name == "largest" and 2.0 * self.part() - began > end):
                return
            made = plan(self.problem, self.terms, np.floor(self.volume.mean + 1e-6).astype(np.int64))
            give_back(self.terms, made, prices)
            top_up(self.terms, made, order, prices)
            self.keep(made, f"{name} first")
            self._auction(made, prices, worth.copy(), until)
            self.keep(made, f"{name} first, auction")
            lift(self.terms, made, order)
            while self.part() < until and serve(self.terms, made, order, prices, worth, TRIES) < -1e-6:
                if self.over():
                    break
            polish(self.terms, made)
            self.keep(made, f"{name} first, chains")

    def _auction(self, made: Plan, prices: Floats, worth: Floats, until: float) -> None:
        """While somebody is short: let them take from others, raise what an RRU is worth to them, top up the robbed."""
        for _ in range(BIDS):
            short = np.maximum(self.problem.demand - made.total + made.worst[:, 0], 0.0) > 1e-6
            if not short.any() or self.part() >= until or self.over():
                return
            worth[short] = 1.5 * worth[short] + 0.1
            order = np.argsort(-worth, kind="stable")
            seize(self.terms, made, order, prices, worth)
            top_up(self.terms, made, order, prices)
            self.keep(made, "auction")

    def part(self) -> float:
        """Return which part of the time is over."""
        return (time.perf_counter() - self.began) / max(self.limit, 1e-9)

    def _guides(self) -> tuple[Floats, Floats]:
        """Return what prices add to a server of each pair, and what an RRU is worth to each reservation."""
        return self.oracle.pair_cost(self.volume.prices) - self.problem.prices.use, self.oracle.memory[
            :, 0
        ].copy()

    def improve(self) -> None:
        """Look for cheaper places of single servers, with chains, until nothing is cheaper or the time is over."""
        prices, worth = self._guides()
        made = _copy(self.best)
        for first in range(0, self.problem.pairs, REGRETTED):
            if self.over():
                break
            improve(
                self.terms, made, np.arange(first, min(first + REGRETTED, self.problem.pairs)), prices, worth
            )
        self.keep(made, "improved")

    def keep(self, made: Plan, what: str) -> None:
        """Keep a plan if it is the best, and note it."""
        cost = float(plan_cost(self.terms, made))
        if cost < self.cost:
            self.best, self.cost = _copy(made), cost
        self.note(f"{what}: {cost:.1f}", self.volume.bound)

    def note(self, what: str, bound: float) -> None:
        """Write down, and say, where we are."""
        passed = time.perf_counter() - self.began
        self.trace.events.append((passed, what, bound, self.cost))
        gap = (self.cost - bound) / abs(self.cost) if self.cost else 0.0
        self.log(f"{passed:7.2f} s  bound {bound:.1f}  plan {self.cost:.1f}  gap {gap:.2%}  {what}")

    def found(self) -> Found:
        """Return what was found."""
        self.trace.prices, self.trace.guide, self.trace.turns = (
            self.volume.prices,
            self.volume.mean,
            self.volume.turns,
        )
        return Found(self.best.counts, self.volume.bound, self.trace)


def _copy(made: Plan) -> Plan:
    """Return a plan that can be changed without changing this one."""
    return Plan(
        made.counts.copy(),
        made.free.copy(),
        made.left.copy(),
        made.load.copy(),
        made.total.copy(),
        made.worst.copy(),
        made.worst_at.copy(),
    )
