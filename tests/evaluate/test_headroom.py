"""Headroom after every single loss: many losses in a settle give what one settle each gives."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.fleets.example import example_fleet
from tests.sim.fleets import random_fleet
from twin.cli.inspect import _losses
from twin.evaluate.headroom import headroom_after
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.records.headroom import headroom
from twin.sim.snapshot import Snapshots


def one_by_one(fleet: Fleet, losses: list[str]) -> object:
    snapshots = Snapshots(fleet)
    return headroom(snapshots.of(), (snapshots.of((name,)) for name in losses))


@given(seed=st.integers(0, 10**6))
@settings(max_examples=60)
def test_random_fleets_whose_losses_move_traffic_and_whose_losses_do_not(seed: int) -> None:
    fleet = random_fleet(seed)
    losses = _losses(fleet, None)
    assert headroom_after(fleet, losses) == one_by_one(fleet, losses)


@pytest.fixture(scope="module")
def example() -> Fleet:
    return example_fleet()


def test_the_example_in_half_of_the_settles(example: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = _losses(example, None)
    slow = one_by_one(example, losses)
    settles = []
    of = Snapshots.of
    monkeypatch.setattr(Snapshots, "of", lambda self, lost=(): settles.append(lost) or of(self, lost))
    assert headroom_after(example, losses) == slow
    assert len(settles) < len(losses) / 2


def test_sites_that_feed_each_other_are_one(example: Fleet) -> None:
    """A panel of one site hangs on a switchboard of another: their losses are not settled together."""
    other = next(unit for unit in example.power_units if unit.name == "iad1-b-panel-b")
    units = tuple(
        unit.model_copy(update={"fed_by": ("ams1-msb-1", *unit.fed_by), "shares": ()})
        if unit is other
        else unit
        for unit in example.power_units
    )
    fleet = example.model_copy(update={"power_units": units})
    losses = [unit.name for unit in units if unit.site in ("ams1", "iad1")]
    assert headroom_after(fleet, losses) == one_by_one(fleet, losses)


def test_what_cannot_be_lost_is_refused(example: Fleet) -> None:
    with pytest.raises(UsageError, match="did you mean 'ams1-msb-1'"):
        headroom_after(example, ["ams1-msb-2", "ams1-msb-11"])


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40)
def test_a_loss_leaves_nothing_behind(seed: int) -> None:
    """The state after one loss is the same whatever was lost, and given back, before."""
    fleet = random_fleet(seed)
    losses, used = _losses(fleet, None), Snapshots(fleet)
    for name in losses[:12]:
        there, fresh = used.of((name,)), Snapshots(fleet).of((name,))
        for field in fields(fresh):
            one, other = getattr(there, field.name), getattr(fresh, field.name)
            np.testing.assert_array_equal(one, other, err_msg=f"{field.name} without {name}")
