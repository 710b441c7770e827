"""How many fit: closed forms on the hand-written fleet, one server more or less on random ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.graph.analysis_fit import Fit, Room, how_many_fit
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.power import PowerUnit, Rack
from twin.model.servers import ServerType


def changed(fleet: Fleet, **tables: Any) -> Fleet:
    """Return a fleet with other tables."""
    return Fleet(**{name: getattr(fleet, name) for name in Fleet.model_fields} | tables)


def rooms(fit: Fit) -> dict[str, tuple[int, tuple[tuple[str, int], ...]]]:
    """Return every room by name."""
    return {room.name: (room.servers, room.limits) for room in (*fit.sites, *fit.rows, *fit.racks)}


@pytest.fixture
def plain(two_sites: Fleet) -> Fleet:
    """Two sites without cooling, whose servers have a power factor of 1."""
    kind = ServerType(name="web-1", cores=32, idle_w=100.0, max_w=400.0, height_u=2, power_factor=1.0)
    return changed(two_sites, cooling_plants=(), server_types=(kind,))


def test_the_surviving_side_carries_everything(plain: Fleet) -> None:
    # Panel a has 20 kVA. After the loss of panel b it carries all four racks: 4 x 10 x 400 W = 16 kW.
    found = rooms(how_many_fit(plain, "web-1"))
    a = "panel ams-panel-a after the loss of ams-ups-b"
    assert found["ams"] == (10, ((a, 4),))
    assert found["ams/row-1"] == (10, ((a, 2),))
    assert found["ams-r4"][0] == 10


def test_space_and_budget_stop_a_rack(plain: Fleet) -> None:
    racks = [rack.model_copy(update={"space_u": 26 + 2 * i}) for i, rack in enumerate(plain.racks)]
    racks[1] = racks[1].model_copy(update={"budget_w": 4000.0 + 2 * 400.0})
    found = rooms(how_many_fit(changed(plain, racks=tuple(racks)), "web-1"))
    assert found["ams-r1"] == (3, (("space in the rack", 1),))
    assert found["ams-r2"] == (2, (("budget of the rack", 1),))
    assert found["ams/row-1"] == (5, (("space in the rack", 1), ("budget of the rack", 1)))


def test_a_continuous_rating_leaves_less(plain: Fleet) -> None:
    units = tuple(unit.model_copy(update={"continuous": 0.8}) for unit in plain.power_units)
    assert how_many_fit(changed(plain, power_units=units), "web-1").sites[0].servers == 0


def test_cooling_is_a_load_and_a_limit(two_sites: Fleet) -> None:
    # 16 kW of heat at COP 4 x (1 - 0.025 x (20 - 25)) = 4.5 are 3.56 kW on panel a, with 16.5 kVA of servers.
    sites = how_many_fit(two_sites, "web-1").sites
    assert sites[0] == Room("site", "ams", 0, (("panel ams-panel-a after the loss of ams-ups-b", 4),))
    plants = tuple(
        row.model_copy(update={"rated_heat_w": 16_800.0, "cop_min": 50.0}) for row in two_sites.cooling_plants
    )
    assert how_many_fit(changed(two_sites, cooling_plants=plants), "web-1").sites[0] == Room(
        "site", "ams", 2, (("cooling", 4),)
    )


def test_the_order_of_loads_does_not_lose_a_server_that_fits_exactly(plain: Fleet) -> None:
    units = tuple(
        unit.model_copy(update={"rated_va": 16_000.0 + 3 * 400.0}) if "panel" in unit.name else unit
        for unit in plain.power_units
    )
    assert how_many_fit(changed(plain, power_units=units), "web-1").sites[0].servers == 3


def test_present_servers_count_as_measured(plain: Fleet) -> None:
    # 4 racks that draw 1.2 kW each leave 20 - 4.8 kVA: 38 servers; 22 U, 11 servers are free in each rack.
    fit = how_many_fit(plain, "web-1", rack_w={rack.name: 1200.0 for rack in plain.racks})
    assert fit.sites[0].servers == 38 and "as measured" in fit.assumed
    assert fit.rows[0].servers == 22 and fit.racks[0].servers == 11


def test_an_unknown_type_is_refused(two_sites: Fleet) -> None:
    with pytest.raises(UsageError, match="did you mean 'web-1'"):
        how_many_fit(two_sites, "web1")


@settings(max_examples=40)
@given(data=st.data())
def test_what_fits_into_a_rack_fits_and_one_more_does_not(
    data: st.DataObject, random_fleets: st.SearchStrategy[Fleet]
) -> None:
    fleet = data.draw(random_fleets)
    units = tuple(
        unit.model_copy(
            update={
                "rated_va": data.draw(st.sampled_from((2e3, 4e3, 8e3))),
                "loss_fixed": data.draw(st.sampled_from((0.0, 0.02))),
                "loss_linear": data.draw(st.sampled_from((0.0, 0.05))),
                "feed_mode": data.draw(st.sampled_from(("shared", "standby"))),
            }
        )
        for unit in fleet.power_units
    )
    fleet = changed(fleet, power_units=units)
    for room in how_many_fit(fleet, "web-1").racks:
        rack = next(rack for rack in fleet.racks if rack.name == room.name)
        used = sum(2 * group.count for group in fleet.server_groups if group.rack == rack.name)
        assert room.servers == 0 or fits(fleet, rack, room.servers)
        assert not (used + 2 * room.servers + 2 <= rack.space_u and fits(fleet, rack, room.servers + 1))


def fits(fleet: Fleet, rack: Rack, extra: int) -> bool:
    """Say whether `extra` servers bring nothing at the site above its rating, whatever unit is lost."""
    units = {unit.name: unit for unit in fleet.power_units if unit.site == rack.site}
    for lost in (None, *units):
        before, after = loads(fleet, rack, 0, units, lost), loads(fleet, rack, extra, units, lost)
        limit = {name: unit.rated_va for name, unit in units.items()} | {"heat": after["cooling"]}
        if any(after[name] > max(limit[name], before[name]) * (1 + 1e-9) for name in limit):
            return False
    return True


def loads(
    fleet: Fleet, rack: Rack, extra: int, units: dict[str, PowerUnit], lost: str | None
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
    for here in fleet.racks:
        if here.site == rack.site:
            count = sum(g.count for g in fleet.server_groups if g.rack == here.name) + extra * (here is rack)
            load["heat"] += 400.0 * count * feed(here.fed_by, False, 400.0 * count / 0.97)
    for plant in fleet.cooling_plants:
        if plant.site == rack.site:
            load["cooling"] += plant.rated_heat_w * feed(plant.fed_by, True, load["heat"] / 4.5 / 0.9)
    for name, unit in reversed(units.items()):
        if alive(name):
            load[name] = load[name] * (1 + unit.loss_linear) + unit.loss_fixed * unit.rated_va
            feed(unit.fed_by, unit.feed_mode == "standby", load[name])
    return load
