"""Capacity plans for fleets that no MIP solver finishes: prices, whole servers, ejection, and an honest gap, in a given time.

    counts, bound, trace = solve_large(problem, time_limit_s=60)

What comes back is lawful at any time: if the clock, a proven gap or `should_stop` ends the search early, it is the best plan so
far, and the bound is the best so far. `trace` says what was found when. A `Guide` says where to start: counts and prices of
the linear program where that takes seconds, else the prices of a problem with the same pairs and rows, solved before.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from solvers.anneal import COLD, HOT, anneal
from solvers.coarse import coarse_guide
from solvers.ejection import improve, seize, serve
from solvers.found import Found, Trace, gap_of
from solvers.guide import Guide, Reluctance
from solvers.highs import Progress
from solvers.oracle import Oracle
from solvers.owners import all_owned
from solvers.prices import Volume
from solvers.problem import CapacityProblem, Floats
from solvers.ready import ready
from solvers.rounding import give_back, lift, polish, top_up
from solvers.separate import best_answers
from solvers.terms import Terms, terms
from solvers.whole import Plan, plan, plan_cost

CLOSING = 0.97  # of the time: what is left is for the last crumbs of shortage
CRUMBS = 1e-3  # of the cost, that a plan without shortage may cost more
WIDE = 5e-3  # of the cost: a gap that another plan might close
SETTLED = 2e-5  # of the bound: prices whose steps aim at less are as good as they get
BRIEF = 1.0  # seconds: with less the bound is not strengthened for whole servers, which takes tenths of one
COARSE_PART = 0.15  # of the time, for the coarse problem's linear program at most
BIDS = 60  # rounds of an auction
VAIN = 5  # rounds without a better plan after which an auction ends
PATIENCE = 25  # turns of mending that help nobody
DEARER = 1_000.0  # times, what is short at last
TRIES = 200  # chains between two looks at the clock
INSISTENCE = 200  # auctions at most
POLISHED = 5  # reservations that are polished between two looks at the clock
REGRETTED = 500  # pairs that may be improved between two looks at the clock
ANNEALED = 1_000  # trials of annealing for each pair at most
COOLING = 200  # trials for each pair without which it begins less hot
TRIALS_BETWEEN = 20_000  # trials of annealing between two looks at the clock


def solve_large(
    problem: CapacityProblem,
    *,
    time_limit_s: float,
    guide: Guide | None = None,
    gap: float = 0.0,
    log: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    progress: Progress | None = None,
) -> Found:
    """Return the best plan found in time, or the first within `gap` of its bound.

    `guide` is of this problem, or (prices only) of one with the same pairs and rows.
    """
    search = Search(problem, time_limit_s, gap, log, should_stop, progress)
    search.start(guide)
    if guide is not None and guide.mean is not None and guide.reluctance is not None:
        search.round(guide.mean, until=0.25)
        search.anneal(guide.reluctance)
        search.insist()
        search.serve_crumbs()
        return search.found()
    search.price(0.65)
    search.round(search.volume.mean, until=0.9)
    search.price(0.9)
    if search.hopeful():
        search.round(search.volume.mean, until=0.95)
    search.insist()
    search.improve()
    search.serve_crumbs()
    return search.found()


class Search:
    """One search: the volume algorithm, the best plan so far, and the clock."""

    def __init__(
        self,
        problem: CapacityProblem,
        time_limit_s: float,
        gap: float,
        log: Callable[[str], None] | None,
        should_stop: Callable[[], bool] | None,
        progress: Progress | None = None,
    ) -> None:
        self.began, self.limit, self.gap = time.perf_counter(), time_limit_s, gap
        self.progress = progress or (lambda *_: None)
        self.log, self.stopped = log or (lambda _: None), should_stop or (lambda: False)
        if not best_answers.signatures:
            self.log(
                "making the compiled code ready (a minute when it is the first time on this machine, then it is kept)"
            )
            ready()
            self.began = time.perf_counter()
        self.problem, self.trace, self.rounded, self.anneals = problem, Trace(), 0, False
        self.terms: Terms = terms(problem)
        owed = problem.by_cell @ problem.now if problem.owned else np.zeros(problem.cells)
        self._most_free = (problem.servers - owed).astype(np.int64)
        self._move = problem.prices.move or max(problem.prices.use, 1e-3)  # in which heat is measured
        self.best: Plan = plan(
            problem, self.terms, np.minimum(problem.now, problem.servers[problem.pair_cell])
        )
        give_back(self.terms, self.best, np.zeros(problem.pairs))
        self.cost = float(plan_cost(self.terms, self.best))
        self.bound = -np.inf
        self.note("what there is now")

    def start(self, guide: Guide | None) -> None:
        """Ask for a first bound: at the prices of the guide, or of the coarse problem."""
        self.oracle = Oracle(self.problem, whole=self.limit >= BRIEF)
        if guide is None and not self.over():
            guide = coarse_guide(self.problem, COARSE_PART * self.limit, self.stopped)
        self.volume = Volume(self.oracle, None if guide is None else guide.prices)
        self.bound = self.volume.bound
        if guide is not None:
            self.anneals = guide.reluctance is not None
            self.volume.aim *= 0.2
            self.bound = max(self.bound, guide.bound)
        self.note("first prices")

    def over(self) -> bool:
        """Return whether time is up, a stop was asked for, or the plan is as good as was asked for."""
        return self.part() >= CLOSING or self.stopped() or gap_of(self.cost, self.bound) <= self.gap

    def price(self, part: float) -> None:
        """Improve prices until a part of the time is over or they have settled."""
        self.volume.run(self.began + part * self.limit, self.over, settled=SETTLED)
        self.bound = max(self.bound, self.volume.bound)
        self.note("prices")

    def hopeful(self) -> bool:
        """Return whether another plan is worth its time: the prices have moved, or the gap is wide."""
        return self.volume.turns > 1.2 * self.rounded or self.cost - self.bound > WIDE * abs(self.cost)

    def round(self, mean: Floats, until: float) -> None:
        """Make whole plans of a mean, the largest reservations first, then the dearest; keep the best.

        The auction and chains go on until a part of the time is over.
        """
        prices, worth = self._guides()
        self.rounded, began = self.volume.turns, self.part()
        for name, order in (
            ("largest", np.argsort(-self.problem.demand, kind="stable")),
            ("dearest", np.argsort(-worth, kind="stable")),
        ):
            if self.over() or (name == "dearest" and 2.0 * self.part() - began > until):
                return
            made = plan(self.problem, self.terms, np.floor(mean + 1e-6).astype(np.int64))
            give_back(self.terms, made, prices)
            top_up(self.terms, made, order, prices)
            self.keep(made, f"{name} first")
            self._fill(made, prices, worth.copy(), until, f"{name} first, chains")

    def _fill(self, made: Plan, prices: Floats, bids: Floats, until: float, what: str) -> None:
        """Serve who is short: by an auction, then by chains from its best plan; then polish."""
        made = self._auction(made, prices, bids, until)
        if self.anneals:
            return
        self._mend(self.terms, made, until)
        order = np.argsort(-bids, kind="stable")
        lift(self.terms, made, order)
        while self.part() < until and not self.over():
            if serve(self.terms, made, order, prices, bids, TRIES) >= -1e-6:
                break
        for first in range(0, len(order), POLISHED):
            if self.part() >= until or self.over():
                break
            polish(self.terms, made, order[first : first + POLISHED])
        self.keep(made, what)

    def insist(self) -> None:
        """While somebody is short and there is time: begin auctions at the best plan, with other first bids each time."""
        prices, worth = self._guides()
        rng = np.random.Generator(np.random.Philox(0))
        for _ in range(INSISTENCE):
            if self.over() or not (self._short(self.best) > 1e-6).any():
                return
            bids = worth * rng.lognormal(0.0, 0.5, len(worth))
            self._fill(_copy(self.best), prices, bids, 1.0, "insisted")

    def _mend(self, t: Terms, made: Plan, until: float) -> None:
        """Let those who are short, and others, try whatever costs less than a shortage, until that helps nobody any more."""
        nothing, vain, least = Reluctance(*np.zeros((2, self.problem.pairs))), 0, np.inf
        for turn in range(INSISTENCE):
            short = self._short(made).sum()
            vain, least = (0, short) if short < least else (vain + 1, least)
            if vain == PATIENCE or short <= 1e-6 or self.part() >= until or self.stopped():
                return
            anneal(t, made, nothing, self._most_free, self._move * COLD, TRIALS_BETWEEN, turn)

    def serve_crumbs(self) -> None:
        """Serve who is short of less than a server costs: it pays to leave that, but who is short asks for it."""
        short, made = self._short(self.best).sum(), _copy(self.best)
        if short <= 1e-6:
            return
        weights = self.terms.weights.copy()
        weights[4] *= DEARER
        self._mend(self.terms._replace(weights=weights), made, 1.0)
        cost = float(plan_cost(self.terms, made))
        if self._short(made).sum() < short and cost - self.cost <= CRUMBS * abs(self.cost):
            self.best, self.cost = made, cost
        self.note(f"crumbs: {cost:.1f}")

    def _short(self, made: Plan) -> Floats:
        """Return what each reservation is short of [RRU]."""
        return np.maximum(self.problem.demand - made.total + made.worst[:, 0], 0.0)

    def _auction(self, made: Plan, prices: Floats, worth: Floats, until: float) -> Plan:
        """Return the best plan of an auction: who is short takes from others, its RRU is worth more, the robbed are topped up."""
        best, least, vain = _copy(made), self.keep(made, "auction begins"), 0
        for _ in range(BIDS):
            short = self._short(made) > 1e-6
            if not short.any() or self.part() >= until or self.over():
                break
            worth[short] = 1.5 * worth[short] + 0.1
            order = np.argsort(-worth, kind="stable")
            seize(self.terms, made, order, prices, worth)
            top_up(self.terms, made, order, prices)
            cost, vain = self.keep(made, "auction"), vain + 1
            if cost < least:
                best, least, vain = _copy(made), cost, 0
            if vain == VAIN:
                break
        return best

    def part(self) -> float:
        """Return which part of the time is over."""
        return (time.perf_counter() - self.began) / max(self.limit, 1e-9)

    def _guides(self) -> tuple[Floats, Floats]:
        """Return what the best prices add to a server of each pair, and what an RRU is worth to each reservation."""
        self.oracle.ask(self.volume.prices)
        prices = self.oracle.pair_cost(self.volume.prices) - self.problem.prices.use
        return prices, self.oracle.memory[:, 0].copy()

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

    def anneal(self, reluctance: Reluctance) -> None:
        """Anneal the best plan, from hot to cold in what time is left, or in so many trials that more would gain little."""
        problem, t = self.problem, self.terms
        made = plan(problem, t, all_owned(problem, self.best.counts) if problem.owned else self.best.counts)
        scaled = Reluctance(*(side / self._move for side in reluctance))
        most = ANNEALED * problem.pairs
        began, trials = self.part(), 0
        hot, heat = 1.0, COLD
        while trials < most and not self.over():
            anneal(t, made, scaled, self._most_free, self._move * heat, TRIALS_BETWEEN, trials)
            trials += TRIALS_BETWEEN
            if float(plan_cost(t, made)) < self.cost:
                self.best, self.cost = _copy(made), float(plan_cost(t, made))
            self._tell()
            passed = (self.part() - began) / max(1.0 - began, 1e-9)
            if trials == TRIALS_BETWEEN:  # few trials to come do not cool down what is hot
                hot = min(1.0, TRIALS_BETWEEN / max(passed, 1e-9) / (COOLING * problem.pairs))
            heat = COLD * (HOT / COLD) ** (hot * (1.0 - max(passed, trials / most)))
        self.keep(made, "annealed")

    def keep(self, made: Plan, what: str) -> float:
        """Keep a plan if it is the best, and note it; return its cost."""
        cost = float(plan_cost(self.terms, made))
        if cost < self.cost:
            self.best, self.cost = _copy(made), cost
        self.note(f"{what}: {cost:.1f}")
        return cost

    def note(self, what: str) -> None:
        """Write down, and say, where we are."""
        passed = time.perf_counter() - self.began
        self.trace.events.append((passed, what, self.bound, self.cost))
        self._tell()
        self.log(
            f"{passed:7.2f} s  bound {self.bound:.1f}  plan {self.cost:.1f}  gap {gap_of(self.cost, self.bound):.2%}  {what}"
        )

    def _tell(self) -> None:
        passed = time.perf_counter() - self.began
        self.progress(passed, self.cost, self.bound, gap_of(self.cost, self.bound))

    def found(self) -> Found:
        """Return what was found."""
        self.trace.guide = Guide(self.volume.prices, self.volume.mean, self.bound)
        self.trace.turns = self.volume.turns
        return Found(self.best.counts, self.bound, self.trace)


def _copy(made: Plan) -> Plan:
    """Return a plan that can be changed without changing this one."""
    return Plan._make(array.copy() for array in made)
