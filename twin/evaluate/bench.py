"""Everything an evaluation needs, made ready once and then only read: the bench on which worlds are played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scenarios.check import check_suite
from scenarios.draw import enumerates, is_random
from twin.actions.schedule import WHOLE, Schedule, resolve
from twin.evaluate.footprint import related
from twin.files.digest import digest
from twin.gates.rules import Rule, make_rules
from twin.graph.compile import Compiled, compile_fleet
from twin.model.demand import with_demand
from twin.model.fleet import Fleet
from twin.model.gateset import GateSet, Replications
from twin.model.plan import Plan
from twin.model.scenario import Scenario, Suite
from twin.model.streams import derive_seed


@dataclass(frozen=True)
class Bench:
    """Frozen inputs of every world.

    `fleet` is the union of both arms, `states` are the distinct states of the plan, `variants` the ways in which it must
    be safe: whole, stopped after each step, rolled back from each step; `without` are the laws of physics switched off.
    """

    fleet: Fleet
    compiled: Compiled
    schedule: Schedule
    suite: Suite
    rules: tuple[Rule, ...]
    seed: int
    start: datetime
    window_s: float
    states: tuple[tuple[str, float], ...]
    related: dict[str, frozenset[str]]
    variants: tuple[str, ...]
    without: tuple[str, ...] = ()

    def variants_in(self, scenario: Scenario) -> tuple[str, ...]:
        """The variants played in a scenario: enumerated losses visit every state of the whole plan already."""
        return self.variants[:1] if enumerates(scenario) else self.variants

    def is_random(self, scenario: Scenario) -> bool:
        """Whether replications of a scenario differ: its hazards draw, or (outside enumerations) the plan's steps do."""
        return is_random(scenario)

    def asks(self, rule: Rule, scenario: Scenario, variant: str) -> bool:
        """Whether a rule is judged here.

        A number that the plan promises is one of the whole plan over the whole window: half a plan saves half the energy,
        and an enumerated loss plays minutes.
        """
        return not rule.promised or (variant == WHOLE and not enumerates(scenario))


def set_up(  # noqa: PLR0913
    plan: Plan,
    fleet: Fleet,
    gates: GateSet,
    suite: Suite,
    *,
    salt: str,
    folder: Path | None = None,
    without: Sequence[str] = (),
    demand: float = 1.0,
) -> Bench:
    """Check the suite and the gates, resolve the plan, compile the union fleet and derive the seed.

    The seed comes from fleet, gate set, suite and the judge's salt, never from the plan: its author can neither choose
    nor grind it. Nor does it depend on `demand` (times the fleet's own): more demand meets the same worlds. Traces that the
    suite names are read relative to `folder`. Raises GateError, ScenarioError and PlanRejected.
    """
    known, fleet = digest(fleet), with_demand(fleet, demand)
    suite = check_suite(suite, fleet, folder=folder)
    rules = make_rules(gates, plan, fleet, chance=any(is_random(scenario) for scenario in suite.scenarios))
    schedule = resolve(plan, fleet)
    expected = schedule.timeline()
    endless = gates.model_copy(
        update={"replications": Replications()}
    )  # a larger budget goes on in the same worlds
    return Bench(
        fleet=schedule.fleet,
        compiled=compile_fleet(schedule.fleet, start=plan.window.not_before),
        schedule=schedule,
        suite=suite,
        rules=rules,
        seed=derive_seed(known, digest(endless), digest(suite), salt),
        start=plan.window.not_before,
        window_s=plan.length_s,
        states=tuple((state.label, state.at_s) for state in expected.states),
        related=related(schedule.fleet, schedule.touched),
        variants=schedule.variants if gates.partial_plans else schedule.variants[:1],
        without=tuple(sorted(without)),
    )
