"""Counter-example-guided planning: solve, let the twin play the plan, turn what failed into requirements, solve again.

A solver sees averages and linear rows; the twin sees queues, waves and second failures. Instead of a margin on everything, each
*counter-example* (the run that broke a gate) becomes one requirement on what broke: more for that reservation, less on that
unit, fewer servers at once. The loop ends when the twin is satisfied, when a requirement changes nothing, or when rounds are
over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

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
from twin.records.requirement import Requirement, RequirementKind
from twin.records.solution import Table
from twin.records.verdict import GateResult, Verdict

FIRST = 0.05  # by which a requirement begins; it doubles each time the same thing fails again
SLOWER = 0.5
OK = ("pass", "warn", "waived")


@dataclass(frozen=True)
class Round:
    """One turn of the loop: the plan, what the twin said (None: nothing to judge), and what was learned from it."""

    number: int
    planned: Planned
    verdict: Verdict | None
    learned: tuple[Requirement, ...]
    seconds: float

    @property
    def result(self) -> str:
        """Return the verdict in a word."""
        return "pass" if self.verdict is None else self.verdict.result


@dataclass(frozen=True)
class Refined:
    """All rounds, and why the loop ended; the last round is the answer."""

    rounds: tuple[Round, ...]
    ended: str

    @property
    def best(self) -> Round:
        """Return the last round: nothing before it was good enough."""
        return self.rounds[-1]

    @property
    def converged(self) -> bool:
        """Tell whether the twin let the last plan pass."""
        return self.best.result in OK

    def table(self) -> Table:
        """Return the log of the rounds."""
        rows = []
        for one in self.rounds:
            value = one.planned.solved.value
            spare = float((value.has - one.planned.given.problem.demand).clip(0).sum())
            moved = sum(move.count for wave in one.planned.waves for move in wave)
            learned = "; ".join(requirement.text for requirement in one.learned)
            rows.append((one.number, one.result, moved, round(spare, 2), round(one.seconds, 1), learned))
        columns = ("round", "verdict", "servers_moved", "spare_servers", "seconds_s", "learned")
        return Table(name="rounds", title=f"Rounds: {self.ended}", columns=columns, rows=tuple(rows))


@dataclass(frozen=True)
class Judge:
    """How plans are judged: gates, worlds, the demand that is asked, and processes."""

    gates: GateSet
    suite: Suite
    demand: str | None = None
    jobs: int = 1

    def __call__(self, plan: Plan, fleet: Fleet) -> Verdict:
        """Return the verdict of the twin."""
        return check(plan, fleet, gates=self.gates, suite=self.suite, jobs=self.jobs, demand=self.demand)


@dataclass
class _Lessons:
    """What was learned so far: one requirement per kind and thing, the last amount counts."""

    known: dict[tuple[RequirementKind, str], Requirement] = field(default_factory=dict)

    def learn(self, found: Sequence[Requirement]) -> tuple[Requirement, ...]:
        """Take in what a verdict taught; what was known already is asked for twice as much."""
        fresh = []
        for requirement in found:
            key = (requirement.kind, requirement.who)
            before = self.known.get(key)
            if before is not None:
                factor = SLOWER if requirement.kind == "pace" else 2.0
                requirement = requirement.model_copy(update={"amount": before.amount * factor})
            self.known[key] = requirement
            fresh.append(requirement)
        return tuple(fresh)

    def form(self, form: Form) -> Form:
        """Return the form with the pace that was learned."""
        pace = next((r.amount for (kind, _), r in self.known.items() if kind == "pace"), 1.0)
        return replace(form, wave=max(1, int(form.wave * pace)))


def refine(  # noqa: PLR0913
    fleet: Fleet,
    judge: Judge,
    *,
    wishes: Wishes | None = None,
    effort: Effort | None = None,
    form: Form | None = None,
    rounds: int = 6,
    tell: Callable[[Round], None] | None = None,
) -> Refined:
    """Return the rounds of solving and judging until the twin is satisfied, or the reason why it never is.

    `fleet` is today's; the demand of the judge is what the solver plans for as well.
    """
    wishes, form = wishes or Wishes(), form or Form()
    asked = with_demand(fleet, 1.0 if judge.demand is None else read_demand(judge.demand))
    lessons, done = _Lessons(), []
    before = ""
    for number in range(1, rounds + 1):
        clock = time.monotonic()
        required = replace(wishes, require=(*wishes.require, *lessons.known.values()))
        planned = plan_capacity(asked, required, effort, lessons.form(form))
        plan = planned.proposal.plan
        verdict = None if plan is None else judge(plan, fleet)
        learned = (
            () if verdict is None else lessons.learn(list(dict.fromkeys(requirements_of(verdict, fleet))))
        )
        done.append(Round(number, planned, verdict, learned, time.monotonic() - clock))
        if tell is not None:
            tell(done[-1])
        now = "" if plan is None else digest(plan)
        ended = _ended(done[-1], now == before)
        if ended:
            return Refined(tuple(done), ended)
        before = now
    return Refined(tuple(done), f"{rounds} rounds did not suffice; give more with --rounds")


def requirements_of(verdict: Verdict, fleet: Fleet) -> list[Requirement]:
    """Return what the failed gates of a verdict ask of the next solve."""
    found = []
    for gate in verdict.gate_results:
        if gate.result == "fail" and gate.level == "block":
            found += _of_gate(gate, fleet)
    return found


def _ended(last: Round, same: bool) -> str:
    """Return why the loop ends after this round, or nothing."""
    if last.verdict is None:
        return "nothing to do: doing nothing is the plan"
    if last.result in OK:
        return f"the twin is satisfied after {last.number} round{'s' if last.number > 1 else ''}"
    if last.verdict.findings:
        return f"the plan was rejected before simulation: {last.verdict.findings[0].what}"
    if last.result != "fail":
        return f"the twin cannot tell ({last.result}): more replications decide, not another plan"
    if not last.learned:
        return "what failed asks nothing of a solver: " + "; ".join(_failed(last.verdict))
    if same:
        return "the solver has nothing left to give: the plan is the one of the round before"
    return ""


def _failed(verdict: Verdict) -> list[str]:
    return [f"{gate.id} ({gate.reason})" for gate in verdict.gate_results if gate.result == "fail"]


def _of_gate(gate: GateResult, fleet: Fleet) -> list[Requirement]:
    """Return the requirements of one failed gate: by the things that its worst world names."""
    worst, example = gate.worst, gate.counter_example
    if worst is None:
        return []
    things = list(worst.violations) or ([example.chain[-1].thing] if example and example.chain else [])
    because = example.violation if example is not None else gate.reason
    place = {"gate": gate.id, "scenario": worst.scenario, "because": because}
    found = [Requirement(kind=kind, who=who, amount=FIRST, **place) for kind, who in _causes(things, fleet)]
    if worst.variant != "whole" and not found:
        found.append(Requirement(kind="pace", who="waves", amount=SLOWER, **place))
    return list(dict.fromkeys(found))


def _causes(things: Sequence[str], fleet: Fleet) -> list[tuple[RequirementKind, str]]:
    """Return what to ask for, for each thing that broke: of a service its reservation, of a zone the cooling of its site."""
    zones = {zone.name: zone.site for zone in fleet.cooling_zones}
    found: list[tuple[RequirementKind, str]] = []
    for name in things:
        word = name.split("@")[0].split(" at ")[0]
        kind, row = fleet.things.get(word, ("", None))
        if word in zones:
            found.append(("heat", zones[word]))
        elif kind == "services":
            found.append(("capacity", row.reservation))
        elif kind == "power_units":
            found.append(("power", word))
        elif kind in ("racks", "cooling_plants"):
            found.append(("heat", row.site))
        elif kind == "links":
            found.append(("links", word))
    return list(dict.fromkeys(found))
