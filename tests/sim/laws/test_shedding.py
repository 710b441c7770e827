"""Load shedding: against servers handed out one by one, and what nobody may lose."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim.laws.shedding import admitted, fill_by_tier


def test_the_threshold_and_the_decision_the_stricter_counts() -> None:
    offered, most = np.array([100.0, 100.0, 50.0]), np.array([80.0, 80.0, 80.0])
    assert admitted(offered, np.array([0.0, 0.5, 0.0]), most).tolist() == [80.0, 50.0, 50.0]
    assert admitted(offered, np.array([-0.2, 1.3, 0.0]), np.full(3, np.inf)).tolist() == [100.0, 0.0, 50.0]


@pytest.mark.parametrize("seed", range(20))
def test_against_servers_handed_out_in_order_of_tiers(seed: int) -> None:
    rng = Random(seed)
    count, pools = rng.randint(1, 12), rng.randint(1, 3)
    need = np.array([rng.choice((0.0, rng.uniform(1, 50))) for _ in range(count)])
    tier = np.array([rng.randint(0, 3) for _ in range(count)])
    pair = np.array([rng.randrange(pools) for _ in range(count)])
    capacity = np.array([rng.uniform(0, 120) for _ in range(pools)])
    fill = fill_by_tier(need, tier, pair, capacity)
    for pool in range(pools):
        left = capacity[pool]
        for rank in range(4):
            mates = [i for i in range(count) if pair[i] == pool and tier[i] == rank]
            wanted = sum(need[i] for i in mates)
            given_out = min(left, wanted)
            assert sum(need[i] * fill[i] for i in mates) == pytest.approx(given_out)
            assert len({round(float(fill[i]), 12) for i in mates}) <= 1
            left -= given_out


@given(
    need=st.lists(st.floats(0.1, 100), min_size=2, max_size=8),
    capacity=st.floats(0, 400),
    less=st.floats(0, 1),
)
def test_who_is_better_never_has_less(need: list[float], capacity: float, less: float) -> None:
    tier, pair = np.arange(len(need)), np.zeros(len(need), dtype=int)
    fill = fill_by_tier(np.array(need), tier, pair, np.array([capacity]))
    assert (np.diff(fill) <= 1e-12).all()
    assert (fill * need).sum() == pytest.approx(min(capacity, sum(need)))
    assert (fill_by_tier(np.array(need), tier, pair, np.array([capacity * less])) <= fill + 1e-12).all()
