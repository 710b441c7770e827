"""The law `onsite`: what the utility still carries beside solar and peak-shaving batteries, and where the energy goes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.fleets import START
from tests.sim.movers.supply import KW, UTILITY, Played, fleet_of, loses, play
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.sim.measure import measure

H = 3600.0
SUN = (0.0, 0.25, 1.0, 0.5, 0.0, 0.0)


def with_sources(*sources: dict[str, Any], kw: int = 80, day: tuple[float, ...] = SUN) -> Fleet:
    """Return a rack below a board below the utility; sources feed into the board, the sun shines by the hour."""
    board = {"name": "board", "kind": "switchboard", "rated_va": 1e6, "fed_by": ["util"]}
    series = {"name": "sun", "start": START, "step_s": H, "values": list(day)}
    units = [UTILITY, board, *({"feeds_into": "board", **source} for source in sources)]
    return fleet_of(units, {"rack": ["board"]}, kw=kw, series=[series])


def solar(rated_w: float) -> dict[str, Any]:
    return {"name": "sun-1", "kind": "solar", "rated_va": rated_w, "output_series": "sun"}


def battery(*, kwh: float = 40.0, rated_w: float = 50 * KW, above_w: float = 100 * KW) -> dict[str, Any]:
    return {
        "name": "store",
        "kind": "battery",
        "rated_va": rated_w,
        "battery_j": kwh * KW * H,
        "recharge_s": 2 * H,
        "shave_above_w": above_w,
    }


def more(at_s: float, kw: float) -> TimedChange:
    return TimedChange(at_s, Change("count", "rack-g", kw), "world:test")


def energy_j(played: Played, unit: str) -> float:
    steps = played.watts_of(unit)
    ends = [*(at_s for at_s, _ in steps[1:]), played.until_s]
    return sum(watts * (end - at_s) for (at_s, watts), end in zip(steps, ends, strict=True))


def test_the_utility_carries_what_the_sun_does_not() -> None:
    played = play(with_sources(solar(40 * KW)), [], 6 * H)
    assert played.watts_of("util") == [
        (0.0, 80 * KW),
        (1 * H, 70 * KW),
        (2 * H, 40 * KW),
        (3 * H, 60 * KW),
        (4 * H, 80 * KW),
    ]


def test_pue_counts_what_the_sun_and_batteries_give() -> None:
    """No losses: a PUE of 1, whatever the sun gives and the battery shaves; the energy bought is less."""
    fleet = with_sources(solar(60 * KW), battery(above_w=50 * KW))
    run = play(fleet, [], 6 * H).run
    assert run.facility_j.sum() < 0.9 * run.it_j.sum()
    assert (run.facility_j + run.onsite_j).sum() == pytest.approx(run.it_j.sum(), rel=1e-9)
    assert measure(compile_fleet(fleet, start=START), run, "pue", {}) == pytest.approx(1.0)


def test_nothing_flows_back() -> None:
    """100 kW of sun on 80 kW of load; half of the servers go away at noon."""
    played = play(with_sources(solar(100 * KW)), [more(2.5 * H, -40)], 6 * H)
    assert min(watts for _, watts in played.watts_of("util")) == 0.0
    assert played.watts_of("util")[-2:] == [(2 * H, 0.0), (4 * H, 40 * KW)]


def test_the_sun_alone_carries_nothing() -> None:
    played = play(with_sources(solar(100 * KW)), loses("util", 2 * H, H / 2), 6 * H)
    assert played.lost("rack") == [(2 * H, 2.5 * H)]
    assert energy_j(played, "util") == pytest.approx((80 + 55 + 0 + 30 + 80 + 80) * KW * H)


def test_a_battery_shaves_the_peak_until_it_is_empty_and_is_charged_below_the_threshold() -> None:
    """80 kW, two hours of 130 kW from hour 1: 30 kW for 80 min empty 40 kWh; then 20 kW come back over 2 h."""
    played = play(with_sources(battery()), [more(1 * H, 50), more(3 * H, -50)], 8 * H)
    assert played.watts_of("util") == [
        (0.0, 80 * KW),
        (1 * H, 100 * KW),
        (pytest.approx(H * (1 + 40 / 30)), 130 * KW),
        (3 * H, pytest.approx(100 * KW)),
        (pytest.approx(5 * H), 80 * KW),
    ]
    assert energy_j(played, "util") == pytest.approx((80 * 8 + 50 * 2) * KW * H, rel=1e-9)


def test_charging_never_passes_the_threshold() -> None:
    """At 95 kW there are 5 kW of room: 8 h for 40 kWh."""
    played = play(with_sources(battery(), kw=95), [more(1 * H, 35), more(3 * H, -35)], 20 * H)
    back = [at for at, watts in played.watts_of("util") if at > 3 * H and watts == pytest.approx(95 * KW)]
    assert max(watts for at, watts in played.watts_of("util") if at >= 3 * H) == pytest.approx(100 * KW)
    assert back == [pytest.approx(11 * H)]


def test_it_delivers_no_more_than_its_rating() -> None:
    played = play(with_sources(battery(rated_w=10 * KW)), [more(1 * H, 50)], 2 * H)
    assert played.watts_of("util")[-1] == (1 * H, 120 * KW)


def test_the_sun_comes_first() -> None:
    """130 kW of load less 30 of sun leave nothing above the threshold."""
    fleet = with_sources(battery(), solar(30 * KW), kw=130, day=(1.0, 0.0))
    assert play(fleet, [], 1.5 * H).watts_of("util") == [(0.0, 100 * KW)]
