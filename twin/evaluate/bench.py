"""Everything an evaluation needs, made ready once and then only read: the bench on which worlds are played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from scenarios.check import check_suite
from scenarios.draw import enumerates, is_random
from twin.actions.schedule import WHOLE, Schedule, resolve
from twin.evaluate.footprint import related
from twin.evaluate.stretches import Stretch, Trial, stretches_of
from twin.files.digest import digest
from twin.gates.rules import Rule, make_rules
from twin.graph.compile import Compiled, compile_fleet
from twin.model.demand import with_demand, with_growth
from twin.model.fleet import Fleet
from twin.model.gateset import GateSet, Replications
from twin.model.plan import Plan
from twin.model.scenario import Suite
from twin.model.streams import derive_seed
from twin.records.metrics import SUMS


@dataclass(frozen=True)
class Bench:
    """Frozen inputs of every world.

    `fleet` is the union of both arms, `stretches` are the parts of the window that are played (of a short plan one, all of
    it) with the distinct states of the plan and the ways in which it must be safe: whole, stopped after each step, rolled
    back from each step; `without` are the laws of physics switched off.
    """

    fleet: Fleet
    compiled: Compiled
    schedule: Schedule
    suite: Suite
    rules: tuple[Rule, ...]
    seed: int
    start: datetime
    window_s: float
    stretches: tuple[Stretch, ...]
    related: dict[str, frozenset[str]]
    without: tuple[str, ...] = ()

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """What is judged, each by itself: every scenario in every stretch."""
        return tuple(
            Trial(scenario, stretch) for scenario in self.suite.scenarios for stretch in self.stretches
        )

    @property
    def states(self) -> tuple[tuple[str, float], ...]:
        """The distinct states of the plan in all stretches, with offsets from the start of the window."""
        return tuple((label, s.from_s + at_s) for s in self.stretches for label, at_s in s.states)

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants of the plan that are played in any stretch."""
        return tuple(dict.fromkeys(variant for stretch in self.stretches for variant in stretch.variants))

    def variants_in(self, trial: Trial) -> tuple[str, ...]:
        """The variants played in a trial: enumerated losses visit every state of the whole plan already."""
        return trial.stretch.variants[:1] if enumerates(trial.scenario) else trial.stretch.variants

    def is_random(self, trial: Trial) -> bool:
        """Whether replications of a trial differ: its hazards draw, or (outside enumerations) the plan's steps do."""
        return is_random(trial.scenario)

    def asks(self, rule: Rule, trial: Trial, variant: str) -> bool:
        """Whether a rule is judged here.

        A number that the plan promises is one of the whole plan: half a plan saves half the energy, and an enumerated loss
        plays minutes. A sum over the window is promised for all of it; any other number must be kept in each stretch.
        """
        if not rule.promised:
            return True
        part = bool(trial.stretch.label) and rule.metric.name in SUMS
        return variant == WHOLE and not enumerates(trial.scenario) and not part


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
    growth: float | None = None,
    whole_window: bool = False,
) -> Bench:
    """Check the suite and the gates, resolve the plan, compile the union fleet and derive the seed.

    The seed comes from fleet, gate set, suite and the judge's salt, never from the plan: its author can neither choose
    nor grind it. Nor does it depend on `demand` (times the fleet's own) and `growth` (a year, in place of the fleet's own): more
    demand meets the same worlds. Traces that the suite names are read relative to `folder`. A long plan is played in stretches,
    unless by `whole_window`. Raises GateError, ScenarioError and PlanRejected.
    """
    known, fleet = digest(fleet), with_demand(fleet, demand)
    fleet = fleet if growth is None else with_growth(fleet, growth)
    suite = check_suite(suite, fleet, folder=folder)
    rules = make_rules(gates, plan, fleet, chance=any(is_random(scenario) for scenario in suite.scenarios))
    schedule = resolve(plan, fleet)
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
        stretches=stretches_of(schedule, partial=gates.partial_plans, whole_window=whole_window),
        related=related(schedule.fleet, schedule.touched),
        without=tuple(sorted(without)),
    )
