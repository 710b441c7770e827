"""Traffic that cannot be is refused, with its row and the mend."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.test_network import two_sites
from twin.model.checks import check_fleet
from twin.model.fleet import Fleet

GOOD = {"source": "e1", "target": "w1", "rate_bps": 1e9}


def faults(*rows: dict[str, Any]) -> list[tuple[str, int, str, str]]:
    """What is wrong with these rows of traffic."""
    fleet = Fleet.model_validate({**two_sites(1e9).model_dump(), "traffic": rows})
    found = [(fault.kind, fault.row, fault.field, fault.what) for fault in check_fleet(fleet)]
    return [fault for fault in found if fault[0] == "traffic"]


def test_both_directions_and_several_tiers_are_fine() -> None:
    assert faults(GOOD, {**GOOD, "tier": 2}, {**GOOD, "source": "w1", "target": "e1"}) == []


@pytest.mark.parametrize(
    ("change", "field", "what"),
    [
        ({"target": "e1"}, "target", "goes from 'e1' to itself"),
        ({"source": "e2"}, "source", "there is no site 'e2'"),
        ({"profile": "day", "tier": 2}, "profile", "there is no series 'day'"),
        ({}, "", "a second row for e1 / w1 / 1"),
    ],
)
def test_what_cannot_be_is_named(change: dict[str, Any], field: str, what: str) -> None:
    assert faults(GOOD, {**GOOD, **change}) == [("traffic", 1, field, what)]
