"""Cooling that cannot be is refused: each rule by one fleet that breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.movers.cooled import fleet
from twin.model.checks_cooling import CHECKS
from twin.model.fault import Fault
from twin.model.fleet import Fleet

TWO = [{"name": "c1"}, {"name": "c2"}]
FANS = {"name": "fans", "kind": "air-handler"}


def faults(built: Fleet) -> list[Fault]:
    return [fault for check in CHECKS for fault in check(built)]


def zoned(*zones: dict[str, Any], plants: list[dict[str, Any]] | None = None, **site: Any) -> Fleet:
    return fleet({"a": 2, "b": 2}, TWO if plants is None else plants, zones, **site)


def test_what_can_be_is_not_refused() -> None:
    assert faults(zoned({"name": "a"}, {"name": "b", "cooled_by": ["c1"]})) == []
    carried = [{"name": "a", "carried_by": ["fans"]}, {"name": "b", "carried_by": ["fans"]}]
    assert faults(zoned(*carried, plants=[*TWO, FANS])) == []
    assert faults(zoned(plants=[{"name": "c", "heat_rejection": "tower"}], humidity=0.4)) == []


@pytest.mark.parametrize(
    ("zones", "plants", "where", "words"),
    [
        ([{"name": "z"}], TWO, ("cooling_zones", 0, "name"), "has no row 'z'"),
        ([{"name": "a", "throttle_c": 20.0}], TWO, ("cooling_zones", 0, "throttle_c"), "do not rise"),
        ([{"name": "a", "shutdown_c": 35.0}], TWO, ("cooling_zones", 0, "throttle_c"), "do not rise"),
        ([{"name": "a", "carried_by": ["c1"]}], TWO, ("cooling_zones", 0, "carried_by"), "carries none"),
        (
            [{"name": "a", "cooled_by": ["fans"]}, {"name": "b", "carried_by": ["fans"]}],
            [*TWO, FANS],
            ("cooling_zones", 0, "cooled_by"),
            "removes no heat",
        ),
        ([{"name": "a", "cooled_by": ["c1", "c1"]}], TWO, ("cooling_zones", 0, "cooled_by"), "twice"),
        (
            [{"name": "a", "cooled_by": ["c1"]}, {"name": "b", "cooled_by": ["c1", "c2"]}],
            TWO,
            ("cooling_zones", 1, "cooled_by"),
            "shares some plants with zone 'a', but not all",
        ),
        (
            [{"name": "a", "cooled_by": ["c1", "c2"]}, {"name": "b"}],
            TWO,
            ("cooling_zones", 1, "cooled_by"),
            "no chiller left for zone 'b'",
        ),
        ([{"name": "a"}], [*TWO, FANS], ("cooling_plants", 2, "kind"), "serves no zone"),
        (
            [],
            [{"name": "c", "heat_rejection": "tower"}],
            ("cooling_plants", 0, "heat_rejection"),
            "needs the humidity",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_row_and_field(
    zones: list[dict[str, Any]], plants: list[dict[str, Any]], where: tuple[str, int, str], words: str
) -> None:
    (fault,) = faults(zoned(*zones, plants=plants))
    assert (fault.kind, fault.row, fault.field) == where
    assert words in fault.what
    assert fault.mend


def test_a_plant_of_another_site_and_a_humidity_in_percent() -> None:
    built = zoned({"name": "a", "cooled_by": ["c1"]})
    document = built.model_dump()
    document["sites"] = [*document["sites"], {"name": "t", "region": "r", "humidity_series": "wet"}]
    document["cooling_plants"][0]["site"] = "t"
    document["series"] = [{"name": "wet", "step_s": 3600.0, "values": [65.0, 70.0]}]
    found = faults(Fleet.model_validate(document))
    assert [(fault.kind, fault.field) for fault in found] == [
        ("cooling_zones", "cooled_by"),
        ("series", "values"),
    ]
    assert found[0].what == "'c1' is at t, not at s"
