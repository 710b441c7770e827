"""Peaks: what servers do together adds up, what each does alone adds like standard deviations, by whatever ways it flows."""

import math

import pytest

from tests.evaluate.tiny import tiny_fleet
from tests.sim.helpers import settled
from twin.model.change import Change

FACTOR = 1.4


def peak_over_mean(correlation: float, *held: str) -> dict[str, float]:
    kind = {"name": "t", "cores": 32, "idle_w": 200.0, "max_w": 200.0, "peak_factor": FACTOR}
    fleet = tiny_fleet(server_types=[{**kind, "peak_correlation": correlation}])
    engine = settled(fleet, [Change("state", name, -1.0) for name in held])
    units = zip(engine.compiled.names["power_units"], engine.unit_peak_va, engine.unit_va, strict=True)
    return {name: float(peak / mean) for name, peak, mean in units if mean > 0}


def test_where_two_feeds_meet_again_a_swing_is_whole_again() -> None:
    """Thirty servers, each swinging alone by 40 %."""
    alone = (FACTOR - 1.0) * math.sqrt(30) / 30
    found = peak_over_mean(0.0)
    for unit in ("grid", "panel-a", "panel-b"):
        # Each panel carries half of every swing, and half of the load: the same ratio as the grid.
        assert found[unit] == pytest.approx(1.0 + alone)


def test_one_feed_carries_the_whole_swing() -> None:
    found = peak_over_mean(0.0, "panel-a")
    assert found["panel-b"] == pytest.approx(found["grid"]) == pytest.approx(1.0 + 0.4 * math.sqrt(30) / 30)


def test_what_all_do_together_adds_up() -> None:
    assert peak_over_mean(1.0)["grid"] == pytest.approx(FACTOR)
