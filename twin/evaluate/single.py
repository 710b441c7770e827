"""One run, or one instant, of a fleet: for what-ifs, inspection and drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scenarios.check import check_suite
from scenarios.draw import draw, enumerates
from scenarios.world import World
from twin.actions.schedule import resolve
from twin.graph.compile import Compiled, compile_fleet
from twin.model.change import TimedChange
from twin.model.demand import read_demand, with_demand
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet
from twin.model.plan import Plan
from twin.model.scenario import Scenario, Suite
from twin.records.ledger import Ledger
from twin.records.metrics import BY_NAME
from twin.records.run import Run
from twin.sim.coordinator import Observer
from twin.sim.engine import Engine
from twin.sim.ledger import Bookkeeper
from twin.sim.measure import measure
from twin.sim.narrate import Narrator
from twin.sim.recorder import Recorder
from twin.sim.run import simulate as play

DAY_S = 86400.0


@dataclass(frozen=True)
class Played:
    """A run with the arrays it was played on, so that metrics can be asked of it, and its books if they were kept."""

    compiled: Compiled
    run: Run
    start: datetime
    books: Ledger | None = None

    @property
    def ledger(self) -> Ledger:
        """Energy, carbon, water and money by domain, e.g. `ledger.by("owner")`; only of a run played with `ledger=True`."""
        if self.books is None:
            raise UsageError("no books were kept of this run: play it with ledger=True")
        return self.books

    def measure(self, metric: str, *, for_s: float = 0.0, **where: object) -> float:
        """Return a metric of the registry as a number, e.g. `measure("energy_kwh", site="ams1")` (of violations: how many)."""
        value = self._value(metric, for_s, where)
        return float(len(value)) if isinstance(value, frozenset) else value

    def violators(self, metric: str, *, for_s: float = 0.0, **where: object) -> tuple[str, ...]:
        """Return the names behind a metric of violations, e.g. `violators("overloads", site="ams1")`."""
        value = self._value(metric, for_s, where)
        if not isinstance(value, frozenset):
            raise UsageError(f"{metric!r} is a number; use measure")
        return tuple(sorted(value))

    def _value(self, metric: str, for_s: float, where: Mapping[str, object]) -> float | frozenset[str]:
        if metric not in BY_NAME:
            raise UsageError(f"no metric {metric!r} ({did_you_mean(metric, list(BY_NAME))})")
        return measure(self.compiled, self.run, metric, where, for_s=for_s)


def simulate(  # noqa: PLR0913
    fleet: Fleet,
    *,
    scenario: Scenario | None = None,
    plan: Plan | None = None,
    days: float = 1.0,
    seed: int = 0,
    start: datetime | None = None,
    narrate: bool = True,
    folder: Path | None = None,
    without: Sequence[str] = (),
    demand: str | None = None,
    ledger: bool = False,
) -> Played:
    """Play a fleet, or a plan on it, in one world of a scenario (default: nothing happens but demand).

    Starts at the plan's window, else at `start`, else at the fleet's snapshot; lasts `days`. Traces that the scenario names
    lie in `folder`; `without` names laws of physics to switch off, `demand` ("+20%") how much more users ask for; `ledger`
    keeps books by rack, service and owner (slower). Raises ScenarioError for a scenario that does not fit the fleet,
    UsageError for one that enumerates single losses: that is what `check` is for.
    """
    start = (
        start or (plan.window.not_before if plan else None) or fleet.as_of or datetime(2026, 1, 5, tzinfo=UTC)
    )
    if demand is not None:
        fleet = with_demand(fleet, read_demand(demand))
    changes: Sequence[TimedChange] = ()
    if plan is not None:
        schedule = resolve(plan, fleet)
        fleet, changes = schedule.fleet, schedule.timeline(seed=seed).changes
    compiled = compile_fleet(fleet, start=start)
    world = _world(scenario, fleet, folder=folder, days=days, start=start, seed=seed) if scenario else None
    narrator = Narrator(compiled) if narrate else None
    keeper = Bookkeeper(compiled, until_s=days * DAY_S) if ledger else None
    run = play(
        compiled,
        changes,
        world.changes if world else (),
        until_s=days * DAY_S,
        observe=_together(narrator, keeper),
        without=without,
    )
    told = narrator.told(run) if narrator else run
    return Played(compiled, told, start, keeper.close(run) if keeper else None)


def _together(*observers: Observer | None) -> Observer | None:
    """One observer that shows everything to all that are there."""
    there = [observer for observer in observers if observer is not None]
    if len(there) <= 1:
        return there[0] if there else None

    def observe(now: float, engine: Engine, recorder: Recorder, changes: Sequence[TimedChange]) -> None:
        for observer in there:
            observer(now, engine, recorder, changes)

    return observe


def _world(  # noqa: PLR0913
    scenario: Scenario, fleet: Fleet, *, folder: Path | None, days: float, start: datetime, seed: int
) -> World:
    """Draw the one world of a scenario that fits the fleet."""
    checked = check_suite(Suite(suite="simulate", scenarios=(scenario,)), fleet, folder=folder).scenarios[0]
    if enumerates(checked):
        raise UsageError(
            f"scenario {scenario.name!r} stands for many worlds, one per single loss; choose a random one, or use fleetwin check"
        )
    return draw(checked, fleet, window_s=days * DAY_S, start=start, seed=seed)[0]
