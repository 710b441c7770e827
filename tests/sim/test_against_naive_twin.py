"""The simulator against the naive twin (a SimPy process per thing), event by event on small random fleets."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from tests.sim.fleets import START, random_fleet, random_history
from tests.sim.helpers import SEEDS
from tests.sim.naive import Moment, NaiveTwin, Totals
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim.run import simulate

UNTIL_S = 7200.0
SAME_INSTANT_S = 1e-5  # two crossings that are equal but for rounding are one event


def engine_moments(
    fleet: Fleet, plan: Sequence[TimedChange], world: Sequence[TimedChange]
) -> tuple[list[Moment], Run]:
    """Play a run and take down the same as the naive twin."""
    compiled, moments = compile_fleet(fleet, start=START), []
    names = compiled.names

    def table(values: Any) -> dict[tuple[str, str], float]:
        cells = ((k, s) for k in range(len(names["services"])) for s in range(len(names["sites"])))
        return {(names["services"][k], names["sites"][s]): float(values[k, s]) for k, s in cells}

    def look(now: float, engine: Any, *_: object) -> None:
        moments.append(
            Moment(
                now,
                frozenset(r for r, up in zip(names["racks"], engine.rack_powered, strict=True) if up),
                frozenset(r for r, up in zip(names["racks"], engine.rack_reachable, strict=True) if up),
                table(engine.running),
                table(engine.flows.arrivals),
                table(engine.services.backlog),
                dict(zip(names["services"], engine.flows.errors.tolist(), strict=True)),
                dict(zip(names["sites"], engine.facility_w.tolist(), strict=True)),
            )
        )

    return moments, simulate(compiled, plan, world, until_s=UNTIL_S, observe=look)


def last_of_each_instant(moments: Sequence[Moment]) -> list[Moment]:
    following = [moment.at_s for moment in moments[1:]] + [float("inf")]
    return [
        moment
        for moment, after_s in zip(moments, following, strict=True)
        if after_s - moment.at_s > SAME_INSTANT_S
    ]


def control_spell(rng: Random) -> list[TimedChange]:
    """The control plane is lost for a while, now and then; never at the instant of another change."""
    if rng.random() < 0.6:
        return []
    start_s = rng.randrange(0, 5000) + 0.5
    return [
        TimedChange(start_s, Change("control", "", -1.0), "world:test"),
        TimedChange(start_s + rng.randrange(100, 2000), Change("control", "", 1.0), "world:test"),
    ]


def one_case(seed: int) -> tuple[Fleet, list[TimedChange], list[TimedChange]]:
    rng = Random(seed + 3)
    fleet = random_fleet(seed)
    world = random_history(fleet, seed + 1, until_s=UNTIL_S, changes=rng.randint(0, 10))
    plan = [
        c
        for c in random_history(fleet, seed + 2, until_s=UNTIL_S, changes=rng.randint(0, 4))
        if c.change.kind != "failed"
    ]
    return fleet, plan, sorted([*world, *control_spell(rng)], key=lambda change: change.at_s)


def assert_same(ours: Moment, theirs: Moment) -> None:
    assert ours.at_s == pytest.approx(theirs.at_s, abs=1e-5)
    assert ours.powered == theirs.powered
    assert ours.reachable == theirs.reachable
    for what in ("running", "arrivals", "errors", "facility_w"):
        assert getattr(ours, what) == pytest.approx(getattr(theirs, what), rel=1e-9, abs=1e-7), what
    assert ours.backlog == pytest.approx(theirs.backlog, rel=1e-6, abs=1e-3)


def assert_same_totals(run: Run, totals: Totals, names: dict[str, tuple[str, ...]]) -> None:
    for what, vector in (("requests", run.requests), ("errors", run.errors), ("retries", run.retries)):
        expected = [getattr(totals, what)[name] for name in names["services"]]
        assert vector == pytest.approx(expected, rel=1e-7, abs=1e-3), what
    for what, vector in (
        ("facility_j", run.facility_j),
        ("it_j", run.it_j),
        ("carbon_g", run.carbon_g),
        ("cost_usd", run.energy_cost_usd),
    ):
        expected = [getattr(totals, what)[name] for name in names["sites"]]
        assert vector == pytest.approx(expected, rel=1e-7, abs=1e-6), what


def compare(seed: int) -> None:
    fleet, plan, world = one_case(seed)
    theirs, totals = NaiveTwin(fleet, plan, world, start=START, until_s=UNTIL_S).run()
    ours, run = engine_moments(fleet, plan, world)
    ours, theirs = last_of_each_instant(ours), last_of_each_instant(theirs)
    assert [round(m.at_s, 4) for m in ours] == [round(m.at_s, 4) for m in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert_same(one, other)
    assert_same_totals(run, totals, compile_fleet(fleet, start=START).names)


@given(seed=SEEDS)
@settings(max_examples=40)
def test_event_by_event(seed: int) -> None:
    compare(seed)


@pytest.mark.slow
@given(seed=SEEDS)
@settings(max_examples=600)
def test_event_by_event_on_many_fleets(seed: int) -> None:
    compare(seed)


@pytest.mark.parametrize("page", ["naive.py", "naive_things.py", "naive_services.py", "naive_ledger.py"])
def test_the_naive_twin_is_independent(page: str) -> None:
    """It imports the nouns, simpy and the standard library: sharing code with the engine, it would share its errors."""
    tree = ast.parse((Path(__file__).parent / page).read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    foreign = {
        name for name in imported if name.startswith(("twin", "scenarios", "numpy", "scipy", "networkx"))
    }
    assert all(name.startswith("twin.model") for name in foreign)
