"""Play worlds: the only entry to the simulator."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Floats
from twin.model.change import TimedChange
from twin.records.run import Run
from twin.sim.constants import Constants
from twin.sim.coordinator import Coordinator, Observer
from twin.sim.engine import Engine
from twin.sim.ideal import idealised
from twin.sim.knots import Knots
from twin.sim.pristine import Pristine
from twin.sim.shared import SharedSettles

KEPT_KNOTS = 64
DAY_S = 86400.0


class Simulator:
    """Plays runs on one compiled fleet, `without` some laws; what is the same in every run is worked out once."""

    def __init__(self, compiled: Compiled, *, without: Collection[str] = ()) -> None:
        self._movers = Pristine(compiled, without)
        self.compiled = idealised(compiled, without)
        self._constants = Constants.of(self.compiled)
        self._knots: dict[tuple[float, float], Knots] = {}

    def run(  # noqa: PLR0913
        self,
        plan: Sequence[TimedChange] = (),
        world: Sequence[TimedChange] = (),
        *,
        start_s: float = 0.0,
        until_s: float,
        observe: Observer | None = None,
        shared: SharedSettles | None = None,
    ) -> Run:
        """Play `plan` (timed changes; empty = do nothing) in `world` over [start_s, until_s).

        Changes before `start_s` are in force at the start. Raises NotSettled when an instant finds no rest, KeyError when
        a change names an unknown thing. Runs in the same world may share their settles.
        """
        coordinator = Coordinator(
            Engine(self.compiled, self._constants, shared, movers=self._movers.copy()),
            start_s=start_s,
            until_s=until_s,
            observe=observe,
        )
        return coordinator.run(_in_order(plan), _in_order(world), self._knots_in(start_s, until_s))

    def _knots_in(self, start_s: float, until_s: float) -> Knots:
        found = self._knots.get((start_s, until_s))
        if found is None:
            found = Knots(
                self._settling_in(start_s, until_s), self.compiled.demand.grid_knots(start_s, until_s)
            )
            if len(self._knots) < KEPT_KNOTS:
                self._knots[start_s, until_s] = found
        return found

    def _settling_in(self, start_s: float, until_s: float) -> Floats:
        """Times in (start, until) at which demand, weather or traffic change; what grows does so once a day at least."""
        demand, traffic = self.compiled.demand, self.compiled.traffic
        from_s = start_s - DAY_S
        times: Floats = np.union1d(demand.knots(from_s, until_s), traffic.knots(demand, from_s, until_s))
        if demand.growth_per_s.any() or traffic.growth_per_s.any():
            days = np.arange(np.floor(start_s / DAY_S) + 1.0, np.ceil(until_s / DAY_S)) * DAY_S
            still = np.searchsorted(times, days - DAY_S, "right") == np.searchsorted(times, days, "right")
            times = np.union1d(times, days[still])
        return times[times > start_s]


def simulate(  # noqa: PLR0913
    compiled: Compiled,
    plan: Sequence[TimedChange] = (),
    world: Sequence[TimedChange] = (),
    *,
    start_s: float = 0.0,
    until_s: float,
    observe: Observer | None = None,
    without: Collection[str] = (),
) -> Run:
    """Play one run, `without` some laws of physics; for many on the same fleet use `Simulator`."""
    return Simulator(compiled, without=without).run(
        plan, world, start_s=start_s, until_s=until_s, observe=observe
    )


def _in_order(changes: Sequence[TimedChange]) -> list[TimedChange]:
    return sorted(changes, key=lambda change: change.at_s)
