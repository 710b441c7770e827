"""Availability: two states, series and parallel, k of n with capacity, against closed forms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from scenarios.draw import draw
from tests.sim.fleets import START
from twin.graph.compile import compile_fleet
from twin.graph.levels import Levels, build_levels
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.scenario import Scenario
from twin.sim.engine import Engine
from twin.sim.run import Simulator

DAY_S = 86400.0


def racks_on(units: list[dict[str, object]], racks: list[dict[str, object]], **more: object) -> Fleet:
    """Return a fleet of one site with these units and racks, one server of 1 RRU in each rack."""
    unit = {"site": "s", "rated_va": 1e6}
    return Fleet.model_validate(
        {
            "fleet": "reliability",
            "regions": [{"name": "r"}],
            "sites": [{"name": "s", "region": "r"}],
            "power_units": [{**unit, **row} for row in units],
            "racks": [{"site": "s", "row": "x", **row} for row in racks],
            "server_types": [{"name": "t", "cores": 1, "idle_w": 100.0, "max_w": 100.0}],
            "reservations": [{"name": "o"}],
            "server_groups": [
                {"name": f"{row['name']}-g", "rack": row["name"], "type": "t", "owner": "o", "count": 1}
                for row in racks
            ],
            **more,
        }
    )


@pytest.mark.parametrize("repair", ["exponential", "lognormal"])
def test_a_unit_that_breaks_and_is_mended(repair: str) -> None:
    """Time without power of a two-state unit: the mean over a window that starts with everything up.

    The expected share down at t is U·(1 − e^{−(λ+μ)t}) for exponential repairs, U = mttr / (mtbf + mttr), here averaged
    over the window; over a window much longer than a repair it tends to U whatever the law of the repair.
    """
    mtbf_s, mttr_s, window_s = 20 * DAY_S, 2 * DAY_S, 200 * DAY_S
    unit = {"name": "u", "kind": "utility", "mtbf_s": mtbf_s, "mttr_s": mttr_s}
    fleet = racks_on([unit], [{"name": "rack", "fed_by": ["u"]}])
    simulator = Simulator(compile_fleet(fleet, start=START))
    hazard = {"kind": "independent-failures", "params": {"of": ["unit"], "repair": repair}}
    scenario = Scenario.model_validate({"scenario": "failures", "hazards": [hazard]})
    shares = []
    for replication in range(60):
        (world,) = draw(scenario, fleet, window_s=window_s, start=START, seed=5, replication=replication)
        run = simulator.run((), world.changes, until_s=window_s)
        down_s = sum(i.end_s - i.start_s for i in run.intervals if i.kind == "unpowered")
        assert run.it_j[0] == pytest.approx(100.0 * (window_s - down_s))
        shares.append(down_s / window_s)
    rate = 1 / mtbf_s + 1 / mttr_s
    late = 1.0 - (1.0 - math.exp(-rate * window_s)) / (rate * window_s)
    expected = mttr_s / (mtbf_s + mttr_s) * late
    error = np.std(shares, ddof=1) / math.sqrt(len(shares))
    assert error < 0.15 * expected
    assert abs(np.mean(shares) - expected) < 4 * error


def probability(levels: Levels, up: list[Fraction], node: int) -> Fraction:
    """Return the probability that a node is alive, by enumerating every state of all nodes: exact."""
    total = Fraction(0)
    for state in itertools.product((False, True), repeat=levels.nodes):
        if levels.sweep(np.array(state))[node]:
            total += math.prod(
                (p if ok else 1 - p for p, ok in zip(up, state, strict=True)), start=Fraction(1)
            )
    return total


def system(
    nodes: int, edges: list[tuple[int, int]], needs: dict[int, int]
) -> tuple[Levels, Callable[[int], int]]:
    wanted = np.array([needs.get(i, 1) for i in range(nodes)], dtype=np.int64)
    levels, number = build_levels(nodes, [(c, p, 1.0) for c, p in edges], np.zeros(nodes, dtype=bool), wanted)
    return levels, lambda old: int(number[old])


def renumbered(up: list[Fraction], number: Callable[[int], int]) -> list[Fraction]:
    found = [Fraction(0)] * len(up)
    for old, value in enumerate(up):
        found[number(old)] = value
    return found


UP = [Fraction(n, 10) for n in (9, 8, 7, 6, 5, 9, 8)]


def test_series_and_parallel_systems_by_enumeration() -> None:
    p = UP
    # A rack 0 on panels 1, 2; panel 1 on UPS 3, panel 2 on UPS 4; both UPS on utility 5.
    levels, number = system(6, [(0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 5)], {})
    branch = [p[1] * p[3], p[2] * p[4]]
    closed = p[0] * p[5] * (1 - (1 - branch[0]) * (1 - branch[1]))
    assert probability(levels, renumbered(p[:6], number), number(0)) == closed
    # Series: 0 on 1 on 2.
    levels, number = system(3, [(0, 1), (1, 2)], {})
    assert probability(levels, renumbered(p[:3], number), number(0)) == p[0] * p[1] * p[2]
    # A bridge: 0 on 1 and 2, 1 on 3, 2 on 3 and 4 (any of them).
    levels, number = system(5, [(0, 1), (0, 2), (1, 3), (2, 3), (2, 4)], {})
    with_3 = 1 - (1 - p[1]) * (1 - p[2])
    without_3 = p[2] * p[4]
    assert probability(levels, renumbered(p[:5], number), number(0)) == p[0] * (
        p[3] * with_3 + (1 - p[3]) * without_3
    )


@pytest.mark.parametrize(("k", "n"), [(1, 5), (2, 5), (3, 5), (5, 5)])
def test_k_of_n_by_enumeration(k: int, n: int) -> None:
    p = Fraction(7, 10)
    levels, number = system(n + 1, [(0, i) for i in range(1, n + 1)], {0: k})
    up = [Fraction(1)] + [p] * n
    closed = sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))
    assert probability(levels, renumbered(up, number), number(0)) == closed


def test_k_of_n_with_capacity() -> None:
    """Four UPS of 100 VA carry 250 W while two are up; the rating holds with three: P(dark), P(overload) are binomial."""
    n, p = 4, Fraction(9, 10)
    units: list[dict[str, object]] = [
        {"name": f"ups{i}", "kind": "utility", "rated_va": 100.0} for i in range(n)
    ]
    bus = {"name": "bus", "kind": "switchboard", "fed_by": [f"ups{i}" for i in range(n)], "needs": 2}
    kind = {"name": "t", "cores": 1, "idle_w": 250.0, "max_w": 250.0, "power_factor": 1.0}
    fleet = racks_on([*units, bus], [{"name": "rack", "fed_by": ["bus"]}], server_types=[kind])
    engine = Engine(compile_fleet(fleet, start=START))
    dark = overloaded = Fraction(0)
    for state in itertools.product((False, True), repeat=n):
        lost = [Change("state", f"ups{i}", -1.0) for i, ok in enumerate(state) if not ok]
        for change in lost:
            engine.state.apply(change)
        engine.settle(0.0)
        chance = math.prod((p if ok else 1 - p for ok in state), start=Fraction(1))
        dark += chance * (not engine.rack_powered[0])
        overloaded += chance * bool((engine.unit_peak_va > engine.compiled.power.limit_va).any())
        for change in lost:
            engine.state.apply(Change("state", change.target, 1.0))

    def exactly(i: int) -> Fraction:
        return math.comb(n, i) * p**i * (1 - p) ** (n - i)

    assert dark == exactly(0) + exactly(1)
    assert overloaded == exactly(2)
