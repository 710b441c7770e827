"""Counter-example-guided planning: solve, let the twin play the plan, turn what failed into requirements, solve again.

A solver sees averages and linear rows; the twin sees queues, waves and second failures. Instead of a margin on everything, each
*counter-example* (the run that broke a gate) becomes a requirement on what broke: more for that service, less on that unit, fewer
servers at once. Once the twin is satisfied, what was asked for is halved back as far as it goes on passing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from agents.lessons import Key, Lessons, key_of, requirements_of
from solvers.capacity import Form, Planned, plan_capacity
from solvers.capacity_fleet import Wishes
from solvers.capacity_solve import Effort
from twin.evaluate import check
from twin.files.digest import digest
from twin.model.demand import read_demand, with_demand
from twin.model.fleet import Fleet
from twin.model.gateset import GateSet
from twin.model.plan import Plan
from twin.model.scenario import Suite
from twin.records.requirement import Requirement
from twin.records.solution import Table
from twin.records.verdict import Verdict

OK = ("pass", "warn", "waived")
ROUNDS = 10
TRIMS = 2  # rounds after the first that passed, to ask for less
Solver = Callable[[Fleet, Wishes, "Effort | None", Form], Planned]
Judging = Callable[[Plan, Fleet], Verdict]


@dataclass(frozen=True)
class Round:
    """One turn of the loop: what was required, the plan, what the twin said (None: no plan to judge), what that taught.

    `solves` counts also those whose plan was known already; `less` tells that this round asks for less than one that passed.
    """

    number: int
    required: tuple[Requirement, ...]
    planned: Planned
    verdict: Verdict | None
    learned: tuple[Requirement, ...]
    seconds: float
    solves: int = 1
    less: bool = False

    @property
    def result(self) -> str:
        """Return the verdict in a word."""
        if self.verdict is None:
            return "not judged"
        return "rejected" if self.verdict.findings else self.verdict.result

    @property
    def passed(self) -> bool:
        """Tell whether the twin lets the plan pass, or there is none."""
        return self.verdict is None or (self.verdict.result in OK and not self.verdict.findings)

    @property
    def short(self) -> tuple[str, ...]:
        """Return what the solver could not give, in words."""
        return tuple(one.text for one in self.planned.proposal.solution.shortfalls)

    @property
    def moved(self) -> int:
        """Return how many servers change their owner."""
        return sum(move.count for wave in self.planned.waves for move in wave)

    @property
    def held(self) -> float:
        """Return what reservations with a demand have in all [server equivalents]."""
        problem, value = self.planned.given.problem, self.planned.solved.value
        return float(value.has[problem.demand > 0].sum())


@dataclass(frozen=True)
class Refined:
    """All rounds, and why the loop ended."""

    rounds: tuple[Round, ...]
    ended: str

    @property
    def best(self) -> Round:
        """Return the last round that passed (each asked for less than the one before), else the last round."""
        return next((one for one in reversed(self.rounds) if one.passed), self.rounds[-1])

    @property
    def converged(self) -> bool:
        """Tell whether the twin let the plan pass."""
        return self.best.passed

    def table(self) -> Table:
        """Return the log of the rounds."""
        rows = [
            (
                one.number,
                one.result,
                one.moved,
                one.solves,
                round(one.seconds, 1),
                "; ".join(requirement.text for requirement in one.required),
                "; ".join(requirement.text for requirement in one.learned),
            )
            for one in self.rounds
        ]
        columns = ("round", "verdict", "servers_moved", "solves", "seconds_s", "required", "learned")
        return Table(name="rounds", title=f"Rounds: {self.ended}", columns=columns, rows=tuple(rows))


@dataclass(frozen=True)
class Judge:
    """How plans are judged: gates, worlds, the demand that is asked, processes, and the folder of the traces of the worlds."""

    gates: GateSet
    suite: Suite
    demand: str | None = None
    jobs: int = 1
    folder: Path | None = None

    def __call__(self, plan: Plan, fleet: Fleet) -> Verdict:
        """Return the verdict of the twin."""
        return check(
            plan,
            fleet,
            gates=self.gates,
            suite=self.suite,
            jobs=self.jobs,
            demand=self.demand,
            folder=self.folder,
        )


def refine(  # noqa: PLR0913
    fleet: Fleet,
    judge: Judging,
    *,
    demand: str | None = None,
    wishes: Wishes | None = None,
    effort: Effort | None = None,
    form: Form | None = None,
    rounds: int = ROUNDS,
    tell: Callable[[Round], None] | None = None,
    solve: Solver = plan_capacity,
) -> Refined:
    """Return the rounds of solving and judging until the twin is satisfied, or the reason why it never is.

    `fleet` is today's; the solver plans for the `demand` that the judge asks of it. After the first plan that passes, at most
    `TRIMS` of the rounds that are left look for less. Deterministic where solver and judge are.
    """
    asked = with_demand(fleet, 1.0 if demand is None else read_demand(demand))
    loop = _Loop(
        fleet, asked, judge, solve, wishes or Wishes(), effort, form or Form(), tell, Lessons.of(fleet)
    )
    while len(loop.done) < rounds:
        ended = loop.play() or loop.ended()
        if ended:
            break
    else:
        ended = f"{rounds} round{'s' if rounds > 1 else ''} did not suffice{loop.lacking()}; give more with --rounds"
    if loop.done[-1].verdict is not None and loop.done[-1].passed:
        for _ in range(min(TRIMS, rounds - len(loop.done))):
            if not loop.trim():
                break
    return Refined(tuple(loop.done), ended)


@dataclass
class _Loop:
    """The loop as it stands: what is given, what was learned, the rounds so far."""

    fleet: Fleet
    asked: Fleet
    judge: Judging
    solve: Solver
    wishes: Wishes
    effort: Effort | None
    form: Form
    tell: Callable[[Round], None] | None
    lessons: Lessons
    done: list[Round] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    required: tuple[Requirement, ...] = ()

    def play(self) -> str:
        """Play a round; return why there is none any more. What changes nothing is doubled before anything is judged again."""
        clock, solves = time.monotonic(), 1
        planned = self._solved()
        learned = self.done[-1].learned if self.done else ()
        while _mark(planned) in self.seen and learned:
            learned = self.lessons.grow(learned)
            planned, solves = self._solved(), solves + 1
        if self._spent(planned) or _mark(planned) in self.seen:
            return self._nothing_left(planned)
        self._done(self._round(planned, clock, solves, teach=True))
        return ""

    def trim(self) -> bool:
        """Ask for half of the last growth less; return whether that was another plan. What fails again goes back."""
        clock, enough, less = time.monotonic(), dict(self.lessons.known), self.lessons.between()
        self.lessons.known |= less
        if not less or _mark(planned := self._solved()) in self.seen:
            return False
        self._done(self._round(planned, clock, 1, teach=False))
        if not self.done[-1].passed:
            self._take_back(self.done[-1], less, enough)
        return True

    def _take_back(self, failed: Round, less: dict[Key, Requirement], enough: dict[Key, Requirement]) -> None:
        """Ask as much as was enough of what failed again; of everything where it is not clear what that is."""
        verdict = failed.verdict
        found = [] if verdict is None else [key_of(one) for one in requirements_of(verdict, self.fleet)]
        again = [key for key in less if self.lessons.covers(key, found)] or list(less)
        self.lessons.failed |= {key: less[key].amount for key in again}
        self.lessons.known |= {key: enough[key] for key in again}

    def ended(self) -> str:
        """Return why the loop ends after the last round, or nothing."""
        last = self.done[-1]
        if last.verdict is None:
            return "nothing to do: the solver would leave all as it is, so there is no plan to play"
        if last.passed:
            return f"the twin is satisfied after {last.number} round{'s' if last.number > 1 else ''}"
        if last.verdict.findings:
            return f"the plan was rejected before simulation: {last.verdict.findings[0].what}"
        if last.verdict.result != "fail":
            undecided = ", ".join(g.id for g in last.verdict.gate_results if g.result == last.result)
            return f"the twin cannot tell ({last.result}: {undecided}): more replications decide, not another plan"
        failed = "; ".join(f"{g.id} ({g.reason})" for g in last.verdict.gate_results if g.result == "fail")
        if not last.learned:
            return f"what failed asks nothing of a solver of capacity: {failed}"
        if all(one.kind == "links" for one in last.learned):
            links = ", ".join(one.who for one in last.learned)
            return (
                f"too much on {links}: no allocation of servers mends that. What services send between sites "
                "`fleetwin plan placement --link-share 80%` can move; copies and backups it cannot"
            )
        return ""

    def lacking(self, planned: Planned | None = None) -> str:
        """Return what the solver could not give, as the end of a sentence."""
        of = self.done[-1].planned if planned is None else planned
        short = [one.text for one in of.proposal.solution.shortfalls]
        return f" ({'; '.join(short)})" if short else ""

    def _nothing_left(self, planned: Planned) -> str:
        last = self.done[-1].learned
        if all(one.kind == "pace" for one in last):
            gates = ", ".join(one.gate for one in last)
            return f"the plan fails when stopped or undone half-way ({gates}), and moving fewer servers at once does not help"
        return f"the solver has nothing left to give{self.lacking(planned)}: whatever is asked, owners get no more"

    def _spent(self, planned: Planned) -> bool:
        """Tell whether what was asked for was not there the last time, and owners get no more than they got then."""
        last = self.done[-1].planned if self.done else None
        return (
            last is not None
            and bool(last.proposal.solution.shortfalls and planned.proposal.solution.shortfalls)
            and np.allclose(last.solved.value.has, planned.solved.value.has)
        )

    def _solved(self) -> Planned:
        self.required = tuple(self.lessons.known.values())
        pace = min((one.amount for one in self.required if one.kind == "pace"), default=1.0)
        form = replace(self.form, wave=max(1, int(self.form.wave * pace)))
        require = (*self.wishes.require, *self.required)
        return self.solve(self.asked, replace(self.wishes, require=require), self.effort, form)

    def _judged(self, planned: Planned) -> Verdict | None:
        self.seen.add(_mark(planned))
        plan = planned.proposal.plan
        return None if plan is None else self.judge(plan, self.fleet)

    def _done(self, turn: Round) -> None:
        self.done.append(turn)
        if self.tell is not None:
            self.tell(turn)

    def _round(self, planned: Planned, clock: float, solves: int, *, teach: bool) -> Round:
        """Return the round of a plan: judged, and what it teaches."""
        required = self.required
        verdict = self._judged(planned)
        fails = teach and verdict is not None and verdict.result == "fail" and not verdict.findings
        learned = self.lessons.learn(requirements_of(verdict, self.fleet)) if verdict and fails else ()
        seconds = time.monotonic() - clock
        return Round(len(self.done) + 1, required, planned, verdict, learned, seconds, solves, less=not teach)


def _mark(planned: Planned) -> str:
    """Return what tells two plans apart."""
    plan = planned.proposal.plan
    return "" if plan is None else digest(plan)
