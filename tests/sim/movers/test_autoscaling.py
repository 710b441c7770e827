"""Autoscaling: against a controller that looks every 15 s, and what it cannot do."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from tests.sim.movers.busy import at, fleet, play
from twin.model.change import Change
from twin.sim.engine import Engine

RATE = 10.0  # one replica with one worker of 0.1 s serves ten a second
PERIOD_S, START_S, WINDOW_S, TARGET = 15.0, 40.0, 300.0, 0.5
RULE = {"target": TARGET, "start_s": START_S}


def replicas(engine: Engine) -> float:
    return float(engine.state.replicas[0, 0])


def web(**rule: Any) -> dict[str, Any]:
    return {"name": "web", "autoscale": {**RULE, **rule}, "max_wait_s": 0.0}


def surge(at_s: float, factor: float) -> tuple[float, Change]:
    return at_s, Change("demand", "web", factor, "*")


def looked_at(demand: list[tuple[float, float]], begin: int, until_s: float) -> list[tuple[float, int]]:
    """A controller that looks every period, and replicas that start later: (time, replicas) after each change."""
    count, starting, looks = begin, [], [(0.0, begin)]
    trace = [(0.0, begin)]
    for tick in range(1, int(until_s / PERIOD_S)):
        now = tick * PERIOD_S
        for due, more in [s for s in starting if s[0] <= now]:
            count += more
            trace.append((due, count))
        starting = [s for s in starting if s[0] > now]
        load = [rate for since, rate in demand if since <= now][-1]
        total = count + sum(more for _, more in starting)
        ratio = min(count, load / RATE) / total / TARGET
        goal = total if abs(ratio - 1) <= 0.1 else max(1, math.ceil(round(total * ratio, 9)))
        looks.append((now, goal))
        if goal > total:
            starting.append((now + START_S, min(goal, max(2 * total, total + 4)) - total))
        elif not starting:
            agreed = max(g for t, g in looks if t > now - WINDOW_S)
            if agreed < total:
                count = agreed
                trace.append((now, count))
    return trace


@pytest.mark.parametrize("seed", range(6))
def test_against_a_controller_that_looks_every_period(seed: int) -> None:
    rng, until_s, base = Random(seed), 4 * 3600.0, 100.0
    times = sorted(rng.sample(range(0, 12_000), 7))
    world, demand, factor = [], [(0.0, base)], 1.0
    for time in times:
        step = rng.uniform(0.3, 8.0) - factor
        factor += step
        world.append(surge(time + 7.3, step))
        demand.append((time + 7.3, base * factor))
    run, seen = play(fleet([web()], rate_per_s=base, replicas=20), world, until_s, replicas)
    expected = looked_at(demand, 20, until_s)
    for now in [PERIOD_S * tick + 3.1 for tick in range(int(until_s / PERIOD_S) - 2)]:
        assert at(seen, now) == [count for since, count in expected if since <= now][-1], now
    assert len(expected) > 4
    assert run.settles < 200  # looks that lead to nothing cost nothing


def test_it_takes_a_start_and_some_looks_to_grow() -> None:
    """Two replicas, twelve times the load: 2 -> 4 more (the least step) -> the double; each serves 40 s after its look."""
    _, seen = play(fleet([web()], rate_per_s=10.0, replicas=2), [surge(100.0, 11.0)], 600.0, replicas)
    assert at(seen, 144.9) == 2.0  # looked at 105
    assert at(seen, 145.1) == 4.0  # two busy replicas at a target of a half: four
    assert at(seen, 600.0) >= 22.0


def test_fewer_only_when_all_looks_of_the_window_agree() -> None:
    world = [surge(100.0, -0.8), surge(350.0, 0.8), surge(370.0, -0.8)]
    _, seen = play(fleet([web()], rate_per_s=100.0, replicas=20), world, 1000.0, replicas)
    assert at(seen, 659.0) == 20.0
    assert at(seen, 676.0) == 4.0
    _, calm = play(fleet([web()], rate_per_s=100.0, replicas=20), world[:1], 1000.0, replicas)
    assert at(calm, 389.0) == 20.0  # the look at 90 still wanted twenty
    assert at(calm, 391.0) == 4.0


def test_the_servers_of_the_reservation_are_the_end() -> None:
    run, seen = play(
        fleet([web()], rate_per_s=100.0, replicas=20, servers=26), [surge(100.0, 9.0)], 3600.0, replicas
    )
    assert at(seen, 3599.0) == 26.0
    assert run.settles < 20


@pytest.mark.parametrize(
    ("limits", "expected"), [({"most": 30}, 30.0), ({"most": 12}, 12.0), ({"least": 15}, 100.0)]
)
def test_limits(limits: dict[str, int], expected: float) -> None:
    _, seen = play(
        fleet([web(**limits)], rate_per_s=100.0, replicas=20), [surge(100.0, 4.0)], 3600.0, replicas
    )
    assert at(seen, 2000.0) == expected


@pytest.mark.parametrize(
    ("trouble", "grows"),
    [
        ([], True),
        ([(50.0, Change("fault", "web", 1.0, "controller"))], False),
        ([(50.0, Change("control", value=-1.0))], False),
        ([(50.0, Change("control", value=-1.0)), (900.0, Change("control", value=1.0))], True),
    ],
)
def test_a_broken_controller_or_a_lost_control_plane_does_nothing(
    trouble: list[tuple[float, Change]], *, grows: bool
) -> None:
    _, seen = play(
        fleet([web()], rate_per_s=100.0, replicas=20), [surge(100.0, 4.0), *trouble], 3600.0, replicas
    )
    assert (at(seen, 3600.0) > 20.0) == grows
    if len(trouble) == 2:
        assert at(seen, 900.0) == 20.0


def test_without_the_law_nothing_scales() -> None:
    _, seen = play(
        fleet([web()], rate_per_s=100.0, replicas=20), [surge(100.0, 4.0)], 3600.0, replicas, ["autoscaling"]
    )
    assert at(seen, 3600.0) == 20.0
