"""The dependency graph and the settled state of the simulator agree on who is up, whatever single thing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.fleets.example import example_fleet
from twin.graph.sweep import Sweep, sweep_of
from twin.model.fleet import Fleet
from twin.sim.snapshot import Snapshots

KINDS = ("power_units", "cooling_plants", "racks", "switches", "links")


@pytest.mark.parametrize("every", [1, 17], ids=["two-sites", "example"])
def test_racks_and_units_are_up_for_both(two_sites: Fleet, every: int) -> None:
    fleet = two_sites if every == 1 else example_fleet()
    sweep, snapshots = sweep_of(fleet), Snapshots(fleet)
    for name in [row.name for kind in KINDS for row in fleet.rows(kind)][::every]:
        _agree(fleet, (name,), sweep, snapshots)


@settings(max_examples=40)
@given(data=st.data())
def test_they_agree_on_random_fleets_and_losses(
    data: st.DataObject, random_fleets: st.SearchStrategy[Fleet]
) -> None:
    fleet = data.draw(random_fleets)
    names = [name for name, (kind, _) in fleet.things.items() if kind in KINDS]
    lost = tuple(data.draw(st.sets(st.sampled_from(names), max_size=3)))
    _agree(fleet, lost, sweep_of(fleet), Snapshots(fleet))


def _agree(fleet: Fleet, lost: tuple[str, ...], sweep: Sweep, snapshots: Snapshots) -> None:
    settled, alive = snapshots.of(lost), sweep.without(lost)
    assert settled.unit_up.tolist() == [alive[sweep.index[unit]] for unit in settled.units], lost
    racks = settled.rack_powered & settled.rack_reachable
    assert racks.tolist() == [alive[sweep.index[rack]] for rack in settled.racks], lost
