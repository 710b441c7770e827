"""Coordination: crossings of two curves by root finding, jumps, what lies between, and runs that must agree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from tests.sim.movers.protected import play, site, trips
from twin.model.fleet import Fleet
from twin.sim.coordination import overlaps

BANDS = {"kind": "bands", "long_delay_s": 12.0}


def chain(
    lower: dict[str, Any], upper: dict[str, Any], *, upper_va: float = 200e3, between: str = ""
) -> Fleet:
    """A panel of 100 kVA with the lower curve below a switchboard with the upper one, perhaps with a unit in between."""
    middle = [{"name": "mid", "kind": between, "rated_va": 150e3, "fed_by": ["msb"]}] if between else []
    units = [
        {"name": "msb", "kind": "switchboard", "rated_va": upper_va, "trip": "upper"},
        *middle,
        {
            "name": "panel",
            "kind": "panel",
            "rated_va": 100e3,
            "trip": "lower",
            "fed_by": ["mid" if middle else "msb"],
        },
    ]
    curves = [{"name": "lower", **lower}, {"name": "upper", **upper}]
    return site(units, [{"name": "r1", "fed_by": ["panel"], "count": 0}], curves)


def relay(dial: float, pickup: float = 1.0) -> dict[str, Any]:
    return {"kind": "relay", "shape": "very-inverse", "time_dial": dial, "pickup": pickup}


def very_inverse_s(dial: float, multiple: float) -> float:
    return dial * (19.61 / (multiple**2 - 1) + 0.491)


def test_steps_of_the_dial_are_selective_and_equal_ones_are_not() -> None:
    assert overlaps(chain(relay(1.0), relay(2.0), upper_va=100e3)) == []
    same = overlaps(chain(relay(1.0), relay(1.0), upper_va=100e3))
    assert [(found.unit, found.feeder) for found in same] == [("panel", "msb")]
    assert same[0].multiple == pytest.approx(1.0, abs=1e-3)


def test_where_two_relays_cross() -> None:
    """A slow lower relay (dial 3) below a quick upper one of twice the pickup: they cross where root finding says."""
    found = overlaps(chain(relay(3.0), relay(1.0), upper_va=200e3), up_to=20.0)
    crossing = brentq(lambda m: very_inverse_s(3.0, m) + 0.05 - very_inverse_s(1.0, m / 2), 2.05, 20.0)
    assert len(found) == 1
    assert crossing <= found[0].multiple <= crossing * 20 ** (1 / 399) + 1e-9
    assert found[0].feeder_s <= found[0].unit_s


def test_instantaneous_elements_that_reach_as_far_as_each_other() -> None:
    """The upper one opens at once from 4·200·0.9 = 720 kVA on, below the slow edge of the lower one."""
    quick = {**BANDS, "instantaneous": 4.0}
    found = overlaps(chain({**BANDS, "long_delay_s": 4.0}, quick))
    assert [(one.multiple, one.feeder_s) for one in found] == [(pytest.approx(7.2), 0.01)]
    assert "msb may open before panel: at 7.2 times the rating of panel after 0.01 s" in str(found[0])
    assert overlaps(chain({**BANDS, "long_delay_s": 4.0}, quick), up_to=7.0) == []


def test_what_has_no_breaker_or_goes_to_bypass_is_looked_through() -> None:
    assert [one.feeder for one in overlaps(chain(relay(1.0), relay(1.0), upper_va=1e5, between="panel"))] == [
        "msb"
    ]
    fleet = chain(relay(1.0), relay(1.0), upper_va=1e5, between="ups")
    units = [u.model_copy(update={"trip": "lower"}) if u.name == "mid" else u for u in fleet.power_units]
    found = overlaps(fleet.model_copy(update={"power_units": tuple(units)}))
    assert [(one.unit, one.feeder) for one in found] == [("panel", "msb")]


def test_a_fleet_without_curves_has_nothing_to_coordinate() -> None:
    units = [{"name": "p", "kind": "panel", "rated_va": 1e3}]
    assert overlaps(site(units, [{"name": "r1", "fed_by": ["p"], "count": 1}])) == []


DIALS = st.fixed_dictionaries(
    {
        "kind": st.just("bands"),
        "long_delay_s": st.sampled_from((2.0, 4.0, 12.0, 24.0)),
        "short_pickup": st.sampled_from((None, 2.0, 4.0, 6.0)),
        "short_delay_s": st.sampled_from((0.1, 0.2, 0.4)),
        "instantaneous": st.sampled_from((None, 8.0, 12.0)),
    }
)


@settings(max_examples=60)
@given(lower=DIALS, upper=DIALS, count=st.integers(121, 1000), upper_va=st.sampled_from((1e5, 2e5, 4e5)))
def test_the_lower_of_a_selective_pair_opens_alone(
    lower: dict[str, Any], upper: dict[str, Any], count: int, upper_va: float
) -> None:
    """A run at any overload: when the pair is selective only the panel trips, since both are on the fast edge there."""
    fleet = chain(lower, upper, upper_va=upper_va)
    assume(all(one.multiple > count / 100 for one in overlaps(fleet)))
    groups = [group.model_copy(update={"count": count}) for group in fleet.server_groups]
    run = play(fleet.model_copy(update={"server_groups": tuple(groups)}), [], 900.0)
    assert [unit for _, unit in trips(run)] == ["panel"]
