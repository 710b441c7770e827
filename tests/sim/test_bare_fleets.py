"""Fleets that lack whole kinds of things run as well: nothing is nothing, not an error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.evaluate.tiny import tiny_fleet
from tests.sim.fleets import START
from twin.graph.compile import compile_fleet
from twin.sim.run import simulate

SERVED = ("services", "deployments", "demand")


@pytest.mark.parametrize(
    "without",
    [SERVED, ("server_groups",), ("server_groups", "server_types"), ("demand",), ("deployments", "demand"),
     ("racks", "server_groups"), ("racks", "server_groups", "server_types", *SERVED, "reservations"),
     ("power_units", "racks", "server_groups", "server_types", *SERVED, "reservations"),
     ("sites", "power_units", "racks", "server_groups", "server_types", *SERVED, "reservations"),
     ("regions", "sites", "power_units", "racks", "server_groups", "server_types", *SERVED, "reservations")],
    ids="+".join,
)  # fmt: skip
def test_a_fleet_without_some_kinds_runs(without: tuple[str, ...]) -> None:
    missing: dict[str, Any] = dict.fromkeys(without, ())
    fleet = tiny_fleet(**missing)
    run = simulate(compile_fleet(fleet, start=START), until_s=3600.0)
    assert run.seconds == 3600.0
    expected_w = 10 * 100.0 * 3 if "server_groups" not in without else 0.0
    if "demand" in without or not expected_w:
        assert run.it_j.sum() == pytest.approx(expected_w * 3600.0)
    asked = 0.0 if set(without) & {"demand"} else 120.0 * 3600.0
    assert run.requests.sum() == pytest.approx(asked)
    if asked and not expected_w:
        assert run.errors.sum() == pytest.approx(asked)
