"""Batteries, generators, switches and on-site sources that are refused, each with its row, what is wrong and the mend."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.movers.supply import GENERATOR, SWITCH, UTILITY, fleet_of
from twin.model.checks import check_fleet
from twin.model.fleet import Fleet

ATS = {**SWITCH, "transfer_s": 5.0}
UPS = {"name": "ups", "kind": "ups", "rated_va": 1e5, "fed_by": ["main"]}
MAIN = {**SWITCH, "name": "main"}


def fleet(*units: dict[str, Any]) -> Fleet:
    """Return a fleet with these units behind a utility; the rack hangs on the last that can feed it."""
    carries = [unit["name"] for unit in units if unit["kind"] not in ("battery", "solar")]
    return fleet_of([UTILITY, *units], {"rack": [carries[-1] if carries else "util"]}, kw=1)


def complaints(found: Fleet) -> list[tuple[int, str, str, str]]:
    return [(fault.row, fault.field, fault.what, fault.mend) for fault in check_fleet(found)]


def test_a_chain_that_can_be_has_no_faults() -> None:
    ups = {**UPS, "battery_j": 6e7, "battery_health": 0.8, "walk_in_s": 10.0, "recharge_s": 3600.0}
    sun = {"name": "sun", "kind": "solar", "rated_va": 1e4, "feeds_into": "main"}
    store = {"name": "store", "kind": "battery", "rated_va": 1e4, "battery_j": 3.6e7, "recharge_s": 14400.0}
    rest = [sun, {**store, "feeds_into": "main", "shave_above_w": 5e4}]
    assert (
        complaints(fleet({**GENERATOR, "block": 0.6, "start_probability": 0.99}, ATS, MAIN, *rest, ups)) == []
    )


@pytest.mark.parametrize(
    ("unit", "field", "what", "mend"),
    [
        (
            {**UPS, "battery_j": 100e3 * 86400.0 + 3.6e6},
            "battery_j",
            "holds 2,401 kWh: 24 h at its rating",
            "is it kWh or MWh? at most 24 h at the rating",
        ),
        (
            {**UPS, "battery_j": 100e3 * 3600.0, "recharge_s": 600.0},
            "recharge_s",
            "recharging within 600 s takes more than its rating",
            "at least 3,600 s",
        ),
        (
            {**UPS, "walk_in_s": 10.0},
            "walk_in_s",
            "walk_in without battery does nothing",
            "give battery too, or remove it",
        ),
        (
            {**UPS, "start_s": 10.0},
            "start_s",
            "a ups has no start: it is for a generator",
            "remove it or mend the kind",
        ),
        (
            {**ATS, "fed_by": ["util"]},
            "fed_by",
            "has nothing to transfer to besides 'util'",
            "name a second source, or remove transfer",
        ),
        (
            {**ATS, "feed_mode": "shared"},
            "feed_mode",
            "a transfer switch stands on one feed at a time",
            "feed_mode: standby, needs: 1",
        ),
        (
            {**ATS, "needs": 2},
            "needs",
            "a transfer switch stands on one feed at a time",
            "feed_mode: standby, needs: 1",
        ),
    ],
)
def test_what_cannot_be_is_refused(unit: dict[str, Any], field: str, what: str, mend: str) -> None:
    found = complaints(fleet({**GENERATOR, "start_s": None}, MAIN, unit))
    assert found == [(3, field, what, mend)]


def test_a_source_has_no_feed_that_could_come_back() -> None:
    found = complaints(fleet({**GENERATOR, "restore_s": 5.0}))
    assert [(row, field, what) for row, field, what, _ in found] == [
        (1, "restore_s", "a generator has no feed that could come back")
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"kind": "solar"}, ("feeds_into", "the solar feeds into nothing")),
        ({"kind": "solar", "feeds_into": "util"}, ("feeds_into", "'util' is a source itself")),
        ({"kind": "solar", "feeds_into": "nowhere"}, ("feeds_into", "there is no unit 'nowhere'")),
        ({"kind": "battery", "feeds_into": "ups"}, ("battery_j", "the battery does nothing without battery")),
        (
            {"kind": "battery", "feeds_into": "ups", "battery_j": 1e6},
            ("shave_above_w", "the battery does nothing without shave_above"),
        ),
        (
            {
                "kind": "battery",
                "feeds_into": "ups",
                "battery_j": 1e6,
                "shave_above_w": 1.0,
                "output_series": "x",
            },
            ("output_series", "a battery has no output_series: it is for a solar"),
        ),
    ],
)
def test_on_site_sources(source: dict[str, Any], expected: tuple[str, str]) -> None:
    ups = {**UPS, "fed_by": ["util"]}
    found = complaints(fleet({"name": "own", "rated_va": 1e4, **source}, ups))
    assert expected in [(field, what) for row, field, what, _ in found if row == 1]


def test_nothing_hangs_on_the_sun() -> None:
    sun = {"name": "sun", "kind": "solar", "rated_va": 1e4, "feeds_into": "ups"}
    found = fleet_of([UTILITY, {**UPS, "fed_by": ["util", "sun"]}, sun], {"rack": ["ups"]}, kw=1)
    assert complaints(found) == [
        (1, "fed_by", "'sun' is a solar and carries nothing alone", "use feeds_into on it instead")
    ]
