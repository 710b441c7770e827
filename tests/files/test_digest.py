"""One content, one digest."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from tests.files.samples import FLEET, PLAN
from twin.files.digest import canonical, digest
from twin.files.documents import read_plan
from twin.files.fleet import read_fleet
from twin.model.power import PowerUnit, Rack

RACK = {"name": "r1", "site": "s", "row": "a", "fed_by": ("p",)}


def test_defaults_written_out_or_left_out():
    assert digest(Rack(**RACK)) == digest(Rack(**RACK, space_u=42, shares=(), budget_w=None))
    assert digest(Rack(**RACK)) != digest(Rack(**RACK, space_u=43))


def test_numbers_are_canonical():
    unit = {"name": "u", "kind": "utility", "site": "s"}
    assert (
        digest(PowerUnit(**unit, rated_va=1000))
        == digest(PowerUnit(**unit, rated="1 kVA"))
        == digest(PowerUnit(**unit, rated_va=1e3))
    )
    assert digest(PowerUnit(**unit, rated_va=1000)) != digest(PowerUnit(**unit, rated_va=1000.0000001))


def test_the_form_is_pinned():
    assert canonical(Rack(**RACK)) == (b'{"fed_by":["p"],"name":"r1","row":"a","site":"s"}')


def test_a_default_that_is_written_out_makes_no_difference():
    assert digest(Rack(**RACK, space_u=42)) == digest(Rack(**RACK))


def test_key_order_brackets_and_units_make_no_difference(tmp_path):
    (tmp_path / "a.yaml").write_text(FLEET)
    other = FLEET.replace("2500 kVA", "2.5 MVA").replace(
        "{name: ams1, region: eu-west", "{region: eu-west, name: ams1"
    )
    other = other.replace("racks: ['r[01-03]']", "racks: [r01, r02, r03]")
    assert other != FLEET
    (tmp_path / "b.yaml").write_text(other)
    assert digest(read_fleet(tmp_path / "a.yaml")) == digest(read_fleet(tmp_path / "b.yaml"))


@pytest.mark.parametrize(
    ("old", "new"), [("is: measured", "is: declared"), ("12 kW", "13 kW"), ("util, gen", "gen, util")]
)
def test_every_difference_shows(tmp_path, old, new):
    (tmp_path / "a.yaml").write_text(FLEET)
    (tmp_path / "b.yaml").write_text(FLEET.replace(old, new))
    assert digest(read_fleet(tmp_path / "a.yaml")) != digest(read_fleet(tmp_path / "b.yaml"))


def test_equal_times_in_other_zones(tmp_path):
    (tmp_path / "a.yaml").write_text(PLAN)
    plan = read_plan(tmp_path / "a.yaml")
    east = timezone(timedelta(hours=5, minutes=30))
    moved = plan.window.model_copy(update={"not_before": plan.window.not_before.astimezone(east)})
    assert digest(plan.model_copy(update={"window": moved})) == digest(plan)
