"""Stranded power: closed forms on the hand-written fleet, every placement tried on tiny random ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.graph.analysis_stranded import Domain, stranded_power
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.power import PowerUnit
from twin.model.servers import ServerType

SPACE = "space or budget of the racks"
RESERVE = "reserve for the loss of a unit"
UPSTREAM = "a limit upstream"
BELOW = "a limit below or on the other feed"
WHOLE = "no whole server fits"
SMALL = ServerType(name="web-1", cores=32, idle_w=100.0, max_w=400.0, height_u=2)
BIG = ServerType(name="gpu-1", cores=32, idle_w=100.0, max_w=900.0, height_u=3)


def changed(fleet: Fleet, **tables: Any) -> Fleet:
    """Return a fleet with other tables."""
    return Fleet(**{name: getattr(fleet, name) for name in Fleet.model_fields} | tables)


def rated(fleet: Fleet, name: str, **update: Any) -> Fleet:
    """Return a fleet in which the units with a word in their name are different."""
    units = (unit.model_copy(update=update) if name in unit.name else unit for unit in fleet.power_units)
    return changed(fleet, power_units=tuple(units))


def spaced(fleet: Fleet, space_u: int) -> Fleet:
    """Return a fleet whose racks, full to 20 U, are that high."""
    return changed(fleet, racks=tuple(rack.model_copy(update={"space_u": space_u}) for rack in fleet.racks))


def kva(fleet: Fleet, name: str) -> tuple[float, float, dict[str, float]]:
    """Return headroom, usable power, and the reasons of the rest, in kVA."""
    row = domain(fleet, name)
    reasons = {why: pytest.approx(va / 1e3) for why, va in row.reasons}
    return pytest.approx(row.headroom_va / 1e3), pytest.approx(row.usable_va / 1e3), reasons


def domain(fleet: Fleet, name: str) -> Domain:
    """Return one domain."""
    return next(row for row in stranded_power(fleet).domains if row.name == name)


@pytest.fixture
def plain(two_sites: Fleet) -> Fleet:
    """Two sites without cooling, whose servers have a power factor of 1.

    Each of four racks draws 4 kVA, three from both panels (20 kVA each), one from panel a: 10 kVA on a and 6 on b, 16 on
    a without b; 11 more servers of 400 VA have space in each.
    """
    kind = SMALL.model_copy(update={"power_factor": 1.0})
    return changed(two_sites, cooling_plants=(), server_types=(kind,))


def test_the_reserve_for_the_other_panel_is_stranded(plain: Fleet) -> None:
    # Without b, panel a has room for 10 servers; on r4 they put all of their load on it.
    assert kva(plain, "ams-panel-a") == (10.0, 4.0, {RESERVE: 6.0})
    # On the dual-corded racks they put half of it on b. With both panels there, a takes 50 halves: 10 kVA on b, too.
    assert kva(plain, "ams-panel-b") == (14.0, 2.0, {RESERVE: 8.0, BELOW: 4.0})
    # Whole: 50 dual-corded servers use all of panel a, and 10 kVA of b.
    assert kva(plain, "ams-utility") == (84.0, 4.0, {RESERVE: 16.0, BELOW: 64.0})


def test_full_racks_strand_what_they_could_use_with_space(plain: Fleet) -> None:
    assert kva(spaced(plain, 20), "ams-panel-a") == (10.0, 0.0, {SPACE: 4.0, RESERVE: 6.0})
    assert kva(spaced(plain, 22), "ams-utility") == (84.0, 1.6, {SPACE: 2.4, RESERVE: 16.0, BELOW: 64.0})


def test_a_budget_of_the_racks_is_like_space(plain: Fleet) -> None:
    racks = tuple(rack.model_copy(update={"budget_w": 4000.0 + 900.0}) for rack in plain.racks)
    # Two servers per rack: those in r4 count whole, those elsewhere half; 900 W would take 2.25 of them.
    found = domain(changed(plain, racks=racks), "ams-panel-a")
    assert found.usable_va == pytest.approx(2 * 400 + 6 * 200)


def test_a_limit_upstream_comes_first(plain: Fleet) -> None:
    fleet = rated(plain, "ats", rated_va=18e3)
    assert kva(fleet, "ams-panel-a") == (10.0, 2.0, {UPSTREAM: 8.0})


def test_room_for_less_than_a_server(plain: Fleet) -> None:
    fleet = rated(plain, "panel", rated_va=16.3e3)
    assert kva(fleet, "ams-panel-a") == (6.3, 0.0, {WHOLE: 0.3, RESERVE: 6.0})
    assert domain(fleet, "ams-panel-a").fragmentation is None


def test_cooling_that_is_short_strands_power(two_sites: Fleet) -> None:
    plants = tuple(
        row.model_copy(update={"rated_heat_w": 16_800.0, "cop_min": 50.0}) for row in two_sites.cooling_plants
    )
    fleet = rated(changed(two_sites, cooling_plants=plants), "panel", rated_va=1e5)
    # 800 W of heat: two servers, whose cooling at the COP of 50 (power factor 0.9) also comes from here.
    row = domain(fleet, "ams-utility")
    assert row.usable_va == pytest.approx(800 / 0.97 + 800 / 50 / 0.9)
    assert dict(row.reasons)["cooling"] > 0.5 * row.stranded_va


def test_scattered_room_is_fragmented(plain: Fleet) -> None:
    # Three servers per rack: behind both panels 9 fit, behind panel a alone 3, and 10 together.
    row = domain(spaced(plain, 26), "ams-utility")
    assert (row.usable_va, row.block_va) == (pytest.approx(4e3), pytest.approx(3.6e3))
    assert row.fragmentation == pytest.approx(0.1)
    assert domain(plain, "ams-utility").fragmentation == pytest.approx(0.0)


def test_oversubscription_before_and_after_a_loss(plain: Fleet) -> None:
    row = domain(plain, "ams-panel-a")
    assert (row.oversubscription, row.oversubscription_after_loss) == (pytest.approx(0.5), pytest.approx(0.8))


def test_measured_racks_leave_more_and_peaks_less(plain: Fleet) -> None:
    rack_w = {rack.name: 2000.0 for rack in plain.racks}
    by_name = {
        row.name: row for row in stranded_power(plain, rack_w=rack_w, swing_va={"ams-panel-a": 500.0}).domains
    }
    # 5 kVA and 0.5 of peak; without b 8.5 of 20: 28 servers, 11 of them on r4, the others count half.
    row = by_name["ams-panel-a"]
    assert (row.load_va, row.usable_va) == (pytest.approx(5500.0), pytest.approx(11 * 400.0 + 17 * 200.0))
    assert row.allocated_va == pytest.approx(10e3)
    assert by_name["fra-panel-a"].load_va == pytest.approx(5000.0)


def test_parallel_ups_are_one_domain(plain: Fleet) -> None:
    fleet = rated(plain, "ams-panel", fed_by=("ams-ups-a", "ams-ups-b"))
    row = domain(fleet, "ams-ups-[a-b]")
    assert (row.kind, row.budget_va, row.load_va) == ("ups", 2e5, pytest.approx(16e3))


def test_one_site_and_an_unknown_one(plain: Fleet) -> None:
    assert {row.site for row in stranded_power(plain, site="fra").domains} == {"fra"}
    with pytest.raises(UsageError, match="did you mean 'fra'"):
        stranded_power(plain, site="fraa")


@settings(max_examples=20)
@given(data=st.data())
def test_no_placement_uses_more_than_the_bound_nor_less_than_the_one_found(
    data: st.DataObject, random_fleets: st.SearchStrategy[Fleet]
) -> None:
    fleet = tiny(data, data.draw(random_fleets))
    found = stranded_power(fleet).domains
    for site in fleet.sites:
        best = every_placement(fleet, site.name)
        for row in (row for row in found if row.site == site.name):
            assert row.usable_va <= best[row.name] + 1e-6
            assert best[row.name] <= row.bound_va + 1e-6
            assert sum(va for _, va in row.reasons) == pytest.approx(
                row.stranded_va, abs=1e-5 * row.budget_va
            )
            assert row.bound_va <= row.headroom_va + 1e-6 and row.block_va <= row.usable_va


@settings(max_examples=10)
@given(data=st.data())
def test_more_rating_or_space_never_bounds_lower(
    data: st.DataObject, random_fleets: st.SearchStrategy[Fleet]
) -> None:
    fleet = tiny(data, data.draw(random_fleets), loss_fixed=(0.0,))
    before = {row.name: row.bound_va for row in stranded_power(fleet).domains}
    name = data.draw(st.sampled_from([unit.name for unit in fleet.power_units]))
    racks = tuple(rack.model_copy(update={"space_u": rack.space_u + 2}) for rack in fleet.racks)
    units = tuple(
        unit.model_copy(update={"rated_va": unit.rated_va * 1.5}) if unit.name == name else unit
        for unit in fleet.power_units
    )
    for larger in (changed(fleet, racks=racks), changed(fleet, power_units=units)):
        after = {row.name: row.bound_va for row in stranded_power(larger).domains}
        assert all(after[one] >= before[one] - 1e-6 for one in before)


def tiny(data: st.DataObject, fleet: Fleet, loss_fixed: tuple[float, ...] = (0.0, 0.02)) -> Fleet:
    """Return a random fleet with tight ratings, two server types, and space for two or fewer servers per rack."""
    units = tuple(
        unit.model_copy(
            update={
                "rated_va": data.draw(st.sampled_from((2e3, 4e3, 8e3))),
                "loss_fixed": data.draw(st.sampled_from(loss_fixed)),
                "loss_linear": data.draw(st.sampled_from((0.0, 0.05))),
                "feed_mode": data.draw(st.sampled_from(("shared", "standby"))),
            }
        )
        for unit in fleet.power_units
    )
    used = {group.rack: 2 * group.count for group in fleet.server_groups}
    racks = tuple(
        rack.model_copy(update={"space_u": max(1, used[rack.name] + data.draw(st.integers(0, 5)))})
        for rack in fleet.racks
    )
    return changed(fleet, power_units=units, racks=racks, server_types=(SMALL, BIG))


def every_placement(fleet: Fleet, site: str) -> dict[str, float]:
    """Try every placement of whole servers at a site; return the most it adds to each unit."""
    units = {unit.name: unit for unit in fleet.power_units if unit.site == site}
    used = {group.rack: 2 * group.count for group in fleet.server_groups}
    racks = [rack for rack in fleet.racks if rack.site == site]
    present = {rack.name: 200.0 * used[rack.name] for rack in racks}
    before = [loads(fleet, present, units, lost) for lost in (None, *units)]
    best = dict.fromkeys(units, 0.0)
    for added in product(*(list(options(rack.space_u - used[rack.name])) for rack in racks)):
        more = {rack.name: present[rack.name] + watts for rack, watts in zip(racks, added, strict=True)}
        after = [loads(fleet, more, units, lost) for lost in (None, *units)]
        if all(fits(units, old, new) for old, new in zip(before, after, strict=True)):
            best = {name: max(best[name], after[0][name] - before[0][name]) for name in units}
    return best


def options(free_u: int) -> Iterator[float]:
    """Return the watts that servers can add to a rack with some free height."""
    yield from (400.0 * a + 900.0 * b for a in range(3) for b in range(2) if 2 * a + 3 * b <= free_u)


def fits(units: Mapping[str, PowerUnit], before: Mapping[str, float], after: Mapping[str, float]) -> bool:
    """Say whether nothing is brought above its rating, or further above it."""
    limit = {name: unit.rated_va for name, unit in units.items()} | {"heat": after["cooling"]}
    return all(after[name] <= max(limit[name], before[name]) * (1 + 1e-9) for name in limit)


def loads(
    fleet: Fleet, rack_w: Mapping[str, float], units: Mapping[str, PowerUnit], lost: str | None
) -> dict[str, float]:
    """Sum loads (VA), heat and cooling (W) from consumers to sources; feeders come first in `units`."""

    def alive(name: str) -> bool:
        unit = units[name]
        return name != lost and (not unit.fed_by or sum(map(alive, unit.fed_by)) >= unit.needs)

    def feed(feeders: tuple[str, ...], standby: bool, va: float) -> bool:
        live = [name for name in feeders if alive(name)]
        for name in live[:1] if standby else live:
            load[name] += va if standby else va / len(live)
        return bool(live)

    load = dict.fromkeys((*units, "heat", "cooling"), 0.0)
    for rack in fleet.racks:
        if rack.name in rack_w:
            load["heat"] += rack_w[rack.name] * feed(rack.fed_by, False, rack_w[rack.name] / 0.97)
    for plant in fleet.cooling_plants:
        if set(plant.fed_by) <= set(units):
            load["cooling"] += plant.rated_heat_w * feed(plant.fed_by, True, load["heat"] / 4.5 / 0.9)
    for name, unit in reversed(list(units.items())):
        if alive(name):
            load[name] = load[name] * (1 + unit.loss_linear) + unit.loss_fixed * unit.rated_va
            feed(unit.fed_by, unit.feed_mode == "standby", load[name])
    return load
