"""Services and storage that cannot be are refused, with the row, what is wrong and the mend."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.fleets import random_fleet
from twin.model.checks import check_fleet
from twin.model.fleet import Fleet


def faults(kind: str, **fields: Any) -> list[tuple[str, str, str]]:
    """Return (field, what, mend) for the first row of a kind in an otherwise random fleet."""
    fleet = random_fleet(11)
    rows = fleet.rows(kind)
    changed = rows[0].model_validate({**rows[0].model_dump(), **fields})
    found = check_fleet(Fleet.model_validate({**fleet.model_dump(), kind: [changed.model_dump(), *rows[1:]]}))
    return [(f.field, f.what, f.mend) for f in found if (f.kind, f.row) == (kind, 0)]


def racks(count: int) -> list[str]:
    return [rack.name for rack in random_fleet(11).racks][:count]


def test_a_rack_holds_one_copy() -> None:
    a, b = racks(2)
    found = faults("storage", racks=[a, b, a], quorum=1)
    assert found == [("racks", f"rack {a!r} is named 2 times", "name it once")]


@pytest.mark.parametrize(
    ("parts", "needed", "expected"),
    [
        (2, 1, []),
        (3, 1, [("parts", "3 parts in 2 racks", "at most 2")]),
        (1, 2, [("needed", "2 parts are needed of 1", "at most 1")]),
    ],
)
def test_parts_fit_the_racks(parts: int, needed: int, expected: list[Any]) -> None:
    assert faults("storage", racks=racks(2), quorum=1, parts=parts, needed=needed) == expected


def test_a_timeout_leaves_time_to_serve() -> None:
    assert faults("services", service_time_s=0.1, timeout_s=0.2) == []
    ((field, what, _),) = faults("services", service_time_s=0.1, timeout_s=0.1)
    assert (field, what) == ("timeout_s", "clients give up after 0.1 s, a request takes 0.1 s")


def test_autoscaling_has_room() -> None:
    assert faults("services", autoscale={"least": 2, "most": 2}) == []
    ((field, _, mend),) = faults("services", autoscale={"least": 3, "most": 2})
    assert (field, mend) == ("autoscale", "least at most 2")


@pytest.mark.parametrize(
    "fields",
    [
        {"timeout_s": -1.0},
        {"cold_factor": 0.5},
        {"fanout": "both"},
        {"shed_above": 0.0},
        {"service_scv": -1.0},
        {"autoscale": {"target": 0.0}},
    ],
)
def test_values_that_mean_nothing_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        faults("services", **fields)
