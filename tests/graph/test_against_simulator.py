"""The dependency graph and the settled state of the simulator agree on who is up, whatever single thing is lost."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.fleets.example import example_fleet
from twin.graph.sweep import sweep_of
from twin.model.fleet import Fleet
from twin.sim.snapshot import Snapshots


@pytest.mark.parametrize("every", [1, 17], ids=["two-sites", "example"])
def test_racks_and_units_are_up_for_both(two_sites: Fleet, every: int) -> None:
    fleet = two_sites if every == 1 else example_fleet()
    sweep, snapshots = sweep_of(fleet), Snapshots(fleet)
    kinds = ("power_units", "cooling_plants", "racks", "switches", "links")
    losses = [row.name for kind in kinds for row in fleet.rows(kind)][::every]
    for name in losses:
        settled = snapshots.of((name,))
        alive = sweep.without((name,))
        assert np.array_equal(settled.unit_up, [alive[sweep.index[unit]] for unit in settled.units]), name
        racks = settled.rack_powered & settled.rack_reachable
        assert np.array_equal(racks, [alive[sweep.index[rack]] for rack in settled.racks]), name
