"""Trip curves and policies that are refused, each with its row, what is wrong and the mend."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.movers.protected import site
from twin.model.checks import check_fleet
from twin.model.fleet import Fleet


def fleet(*curves: dict[str, Any], policies: tuple[dict[str, Any], ...] = ()) -> Fleet:
    """A fleet with these curves and policies."""
    unit = {"name": "p", "kind": "panel", "rated_va": 100e3}
    named = [{"name": f"c{i}", **curve} for i, curve in enumerate(curves)]
    built = site([unit], [{"name": "r", "fed_by": ["p"], "count": 1}], named)
    return Fleet.model_validate({**built.model_dump(by_alias=False), "capping_policies": list(policies)})


def complaints(found: Fleet) -> list[tuple[str, int, str, str]]:
    return [(fault.kind, fault.row, fault.field, fault.what) for fault in check_fleet(found)]


GOOD = [[1.05, 3600, 7200], [1.5, 90, 120], [6, 0.05, 0.1]]


@pytest.mark.parametrize(
    ("points", "what"),
    [
        (
            [[1.05, 3600, 7200], [1.5, 3600, 5000]],
            "the fast edge does not fall from 3600 s to 3600 s at point 2",
        ),
        (
            [[1.05, 3600, 7200], [1.5, 90, 7300]],
            "the slow edge does not fall from 7200 s to 7300 s at point 2",
        ),
        ([[1.5, 3600, 7200], [1.05, 90, 120]], "the multiple does not rise from 1.5 to 1.05 at point 2"),
        ([[1.05, 3600, 3599], [1.5, 90, 120]], "point 1 (1.05, 3600 s, 3599 s) is out of order"),
        ([[0.9, 3600, 7200], [1.5, 90, 120]], "point 1 (0.9, 3600 s, 7200 s) is out of order"),
        ([[1.05, 3600, 7200], [1.5, 0, 120]], "point 2 (1.5, 0 s, 120 s) is out of order"),
        ([[1.05, 3600, 7200]], "a curve of 1 points"),
        ([], "a curve of 0 points"),
    ],
)
def test_points_that_do_not_fall_are_refused(points: list[list[float]], what: str) -> None:
    bad = {"kind": "points", "points": points}
    assert complaints(fleet({"kind": "points", "points": GOOD}, bad)) == [("trip_curves", 1, "points", what)]
    assert all(fault.mend for fault in check_fleet(fleet(bad)))


@pytest.mark.parametrize(
    ("curve", "field"),
    [
        ({"kind": "bands", "short_pickup": 6.0, "instantaneous": 6.0}, "instantaneous"),
        ({"kind": "bands", "short_pickup": 6.0, "instantaneous": 8.0, "short_delay_s": 0.0}, "short_delay"),
        ({"kind": "bands", "pickup_fast": 1.3}, "pickup_fast"),
        ({"kind": "bands", "delay_fast": 1.1}, "delay_fast"),
        ({"kind": "relay", "opens_fast_s": 0.2}, "opens_fast_s"),
        ({"kind": "relay", "points": GOOD}, "points"),
    ],
)
def test_dials_that_contradict_each_other_are_refused(curve: dict[str, Any], field: str) -> None:
    assert [(row, where) for _, row, where, _ in complaints(fleet({"kind": "relay"}, curve))] == [(1, field)]


@given(
    steps=st.lists(
        st.tuples(st.floats(1.01, 3.0), st.floats(1.01, 9.0), st.floats(1.0, 1.01)), min_size=2, max_size=6
    )
)
def test_points_that_fall_are_taken(steps: list[tuple[float, float, float]]) -> None:
    multiple, time_s, points = 1.0, 7200.0, []
    for up, down, band in steps:
        multiple, time_s = multiple * up, time_s / down
        points.append([multiple, time_s, time_s * band])
    found = fleet({"kind": "points", "points": points})
    falls = all(a[2] > b[2] for a, b in zip(points, points[1:], strict=False))
    assert (complaints(found) == []) is falls


@pytest.mark.parametrize("bands", [(0.9, 0.95, 0.99), (0.99, 0.95, 0.95), (0.95, 0.95, 0.9)])
def test_bands_of_capping_must_stand_apart(bands: tuple[float, float, float]) -> None:
    above, to, below = bands
    policies = (
        {"name": "good"},
        {"name": "bad", "cap_above": above, "cap_to": to, "uncap_below": below},
    )
    assert [found[:3] for found in complaints(fleet(policies=policies))] == [
        ("capping_policies", 1, "cap_to")
    ]


def test_bands_of_shedding_must_stand_apart_too() -> None:
    policies = [
        {"name": "good"},
        {"name": "bad", "shed_above": 1.0, "shed_to": 0.9, "restore_below": 0.95},
    ]
    dumped = fleet().model_dump(by_alias=False)
    found = complaints(Fleet.model_validate({**dumped, "shedding_policies": policies}))
    assert [row[:3] for row in found] == [("shedding_policies", 1, "shed_to")]


def test_a_curve_that_does_not_exist_is_refused() -> None:
    unit = {
        "name": "p",
        "kind": "panel",
        "rated_va": 1e5,
        "trip": "very-inverse",
        "capping": "dynamo",
        "shedding": "flex",
    }
    found = complaints(
        site([unit], [{"name": "r", "fed_by": ["p"], "count": 1}], [{"name": "c", "kind": "relay"}])
    )
    assert [(kind, field) for kind, _, field, _ in found] == [
        ("power_units", "capping"),
        ("power_units", "shedding"),
        ("power_units", "trip"),
    ]


@pytest.mark.parametrize(
    ("unit", "refused"),
    [({"kind": "panel", "trip": "c"}, True), ({"kind": "ups"}, True), ({"kind": "ups", "trip": "c"}, False)],
)
def test_only_a_ups_that_can_be_overloaded_has_a_bypass(unit: dict[str, Any], refused: bool) -> None:
    whole = {"name": "p", "rated_va": 1e5, "bypass_trip": "c", **unit}
    found = complaints(
        site([whole], [{"name": "r", "fed_by": ["p"], "count": 1}], [{"name": "c", "kind": "relay"}])
    )
    assert [(kind, row, field) for kind, row, field, _ in found] == [
        ("power_units", 1, "bypass_trip")
    ] * refused
