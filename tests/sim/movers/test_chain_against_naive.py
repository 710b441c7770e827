"""Utility, generator, transfer switch and UPS together: against plain SimPy processes, on random times."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from tests.sim.helpers import SEEDS
from tests.sim.movers.naive_chain import NaiveChain, Times
from tests.sim.movers.supply import LOAD_W, Played, chain, fault, loses, play

UNTIL_S = 20_000.0


@given(SEEDS)
@settings(max_examples=12, deadline=None)
def test_every_device_changes_when_its_naive_process_does(seed: int) -> None:
    compare(seed)


@pytest.mark.slow
@given(SEEDS)
@settings(max_examples=200, deadline=None)
def test_so_it_does_on_many_more(seed: int) -> None:
    compare(seed)


def compare(seed: int) -> None:
    """One random world on one random chain."""
    rng = Random(seed)
    times = random_times(rng)
    outages = spells(rng, rng.randint(1, 6))
    no_start = spells(rng, rng.choice((0, 0, 1, 2)))
    played = twin(times, outages, no_start)
    naive = NaiveChain(times, outages, no_start, UNTIL_S).play()
    for name in ("rack", "gen"):
        assert_same(played.changes(name)[1:], naive.get(name, []))
    closed = [(at_s, text.split()[3]) for at_s, text in played.told("ats") if " closes on " in text]
    assert_same(closed, [(at_s, on) for at_s, on in naive.get("on", []) if on != "open"])


def random_times(rng: Random) -> Times:
    """Return times of every size, so that batteries are sometimes far too small and sometimes ample."""
    battery_s = rng.choice((rng.uniform(2, 30), rng.uniform(30, 900)))
    return Times(
        battery_s=battery_s,
        start_s=rng.uniform(5, 90),
        transfer_s=rng.choice((rng.uniform(0.03, 0.1), rng.uniform(1, 20))),
        retransfer_s=rng.uniform(20, 600),
        walk_in_s=rng.uniform(1, 40),
        recharge_s=battery_s + rng.uniform(300, 9000),
        lockout_s=rng.choice((0.0, rng.uniform(10, 3000))),
    )


def spells(rng: Random, count: int) -> list[tuple[float, float]]:
    """Return disjoint spells, short and long."""
    at_s, found = 0.0, []
    for _ in range(count):
        at_s += rng.uniform(1, 3000)
        lasts_s = rng.choice((rng.uniform(0.1, 10), rng.uniform(10, 400), rng.uniform(400, 3000)))
        found.append((at_s, lasts_s))
        at_s += lasts_s
    return found


def twin(times: Times, outages: list[tuple[float, float]], no_start: list[tuple[float, float]]) -> Played:
    fleet = chain(
        gen={"start_s": times.start_s, "rated_va": 1e6},
        switch={"transfer_s": times.transfer_s, "retransfer_s": times.retransfer_s},
        ups={
            "battery_j": times.battery_s * LOAD_W,
            "walk_in_s": times.walk_in_s,
            "recharge_s": times.recharge_s,
            "lockout_s": times.lockout_s or None,
        },
    )
    world = [change for spell in outages for change in loses("util", *spell)]
    return play(fleet, [*world, *(c for spell in no_start for c in fault("gen", "start", *spell))], UNTIL_S)


def assert_same(found: list[tuple[float, Any]], expected: list[tuple[float, Any]]) -> None:
    assert [value for _, value in found] == [value for _, value in expected]
    assert [at_s for at_s, _ in found] == pytest.approx([at_s for at_s, _ in expected], abs=1e-5)
