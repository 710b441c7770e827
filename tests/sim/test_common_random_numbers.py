"""Common random numbers: both arms live in the same worlds, so that a small change shows."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest

from scenarios.draw import draw
from scenarios.world import World
from tests.sim.fleets import START
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.model.scenario import Scenario
from twin.sim.run import Simulator

DAY_S = 86400.0
MTBF_S, MTTR_S, WINDOW_S = 10 * DAY_S, 2 * DAY_S, 60 * DAY_S
FAILURES = Scenario.model_validate(
    {
        "scenario": "failures",
        "hazards": [{"kind": "independent-failures", "params": {"repair": "exponential"}}],
    }
)
RETIRE = [TimedChange(0.0, Change("count", "g0", -1.0), "plan:retire")]


def fleet(racks: int = 1) -> Fleet:
    """Return racks of ten servers of 100 W, each on a utility of its own that breaks and is mended."""
    ends = {"mtbf_s": MTBF_S, "mttr_s": MTTR_S}
    return Fleet.model_validate({
        "fleet": "twins", "regions": [{"name": "r"}], "sites": [{"name": "s", "region": "r"}],
        "power_units": [{"name": f"u{i}", "kind": "utility", "site": "s", "rated_va": 1e4, **ends} for i in range(racks)],
        "racks": [{"name": f"rack{i}", "site": "s", "row": "x", "fed_by": [f"u{i}"]} for i in range(racks)],
        "server_types": [{"name": "t", "cores": 1, "idle_w": 100.0, "max_w": 100.0}], "reservations": [{"name": "o"}],
        "server_groups": [{"name": f"g{i}", "rack": f"rack{i}", "type": "t", "owner": "o", "count": 10} for i in range(racks)],
    })  # fmt: skip


def world(of: Fleet, replication: int, seed: int = 1) -> World:
    (found,) = draw(FAILURES, of, window_s=WINDOW_S, start=START, seed=seed, replication=replication)
    return found


def test_a_small_change_shows_in_paired_worlds() -> None:
    """Retiring one server of ten saves 100 W while there is power.

    The total of an arm is n·X with X the energy of one server, a random variable: the paired difference is X, the
    independent one 9·X' − 10·X. The variances are as 1 to 10² + 9² = 181.
    """
    simulator = Simulator(compile_fleet(fleet(), start=START))
    runs = 50

    def energy_j(plan: list[TimedChange], seed: int, replication: int) -> float:
        return float(simulator.run(plan, world(fleet(), replication, seed).changes, until_s=WINDOW_S).it_j[0])

    reference = np.array([energy_j([], 1, i) for i in range(runs)])
    paired = np.array([energy_j(RETIRE, 1, i) for i in range(runs)]) - reference
    independent = np.array([energy_j(RETIRE, 2, i) for i in range(runs)]) - reference
    assert reference.std() > 0
    assert paired == pytest.approx(-reference / 10, rel=1e-9)
    ratio = independent.var(ddof=1) / paired.var(ddof=1)
    assert 181 / 2 < ratio < 181 * 2
    # Both are right on average: U = mttr / (mtbf + mttr), less at first since everything starts up.
    rate = 1 / MTBF_S + 1 / MTTR_S
    down = MTTR_S / (MTBF_S + MTTR_S) * (1 - (1 - math.exp(-rate * WINDOW_S)) / (rate * WINDOW_S))
    for seen in (paired, independent):
        assert abs(seen.mean() + 100.0 * WINDOW_S * (1 - down)) < 4 * seen.std(ddof=1) / math.sqrt(runs)


def test_adding_a_rack_leaves_all_other_failures_as_they_were() -> None:
    small, large = fleet(5), fleet(6)
    for replication in range(20):
        before = world(small, replication).changes
        after = world(large, replication).changes
        assert before
        assert tuple(c for c in after if c.change.target != "u5") == before


def test_worlds_do_not_depend_on_when_they_are_drawn() -> None:
    """Replication 7 is the same whether or not 0 to 6 were drawn, and the start of the window does not move it."""
    later = draw(
        FAILURES, fleet(), window_s=WINDOW_S, start=START + timedelta(days=1), seed=1, replication=7
    )[0]
    assert world(fleet(), 7).changes == later.changes
    assert world(fleet(), 7).changes != world(fleet(), 8).changes
