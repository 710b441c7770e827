"""cooling.setpoint: supply cooling zones with warmer or colder air or water."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from twin.actions.base import Action, Names, Objection, Part
from twin.actions.lookup import listing, missing
from twin.model.base import Record
from twin.model.change import Change
from twin.model.cooling import CoolingZone
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Duration
from twin.model.units import Celsius

STEP_S = 60.0  # assumed: a minute to set it everywhere
LEAST_C = 10.0  # colder supply is refused: it is below the dew point of most rooms


class Params(Record):
    """Which zones, and their new supply temperature."""

    zones: Annotated[Names, Field(description="cooling zones (rows), by name or bracket")]
    supply_c: Annotated[Celsius, Field(alias="supply", description="what the racks shall be supplied with")]


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """The zones exist, and their new supply is below what throttles their servers."""
    wrong = list(missing(fleet, "cooling_zones", params.zones, "zones"))
    yield from wrong
    if wrong:
        return
    zones = _zones(fleet, params)
    least = min(zones, key=lambda zone: zone.throttle_c)
    if params.supply_c >= least.throttle_c:
        what = f"{params.supply_c:g} °C would throttle the servers of {least.name}"
        yield Objection("budget", what, f"stay below {least.throttle_c:g} °C", "supply")
    elif params.supply_c < LEAST_C:
        yield Objection("budget", f"{params.supply_c:g} °C is too cold", f"at least {LEAST_C:g} °C", "supply")
    elif all(zone.supply_c == params.supply_c for zone in zones):
        what = f"{listing(params.zones)} already has {params.supply_c:g} °C"
        yield Objection("params", what, "give another supply", "supply")


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """The difference to what each zone has when the step begins."""
    return [
        Part(
            0.0,
            Change("setpoint", zone.name, params.supply_c - zone.supply_c),
            f"supply of {listing(params.zones)}: {params.supply_c:g} °C",
        )
        for zone in _zones(fleet, params)
        if zone.supply_c != params.supply_c
    ]


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The racks of these zones."""
    places = {(zone.site, zone.name) for zone in _zones(fleet, params)}
    return tuple(f"rack:{rack.name}" for rack in fleet.racks if (rack.site, rack.row) in places)


def duration(params: Params) -> Duration:
    """A minute."""
    return Duration(mean_s=STEP_S)


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Supply the first zone with 2 K more."""
    zones = [zone for zone in fleet.cooling_zones if zone.supply_c + 2.0 < zone.throttle_c]
    if not zones:
        raise UsageError("this fleet has no cooling zones")
    supply = f"{zones[0].supply_c + 2.0:g} °C"
    return [
        {"id": "warmer", "do": "cooling.setpoint@1", "params": {"zones": zones[0].name, "supply": supply}}
    ]


def _zones(fleet: Fleet, params: Params) -> list[CoolingZone]:
    known = {zone.name: zone for zone in fleet.cooling_zones}
    return [known[name] for name in params.zones if name in known]


ACTION = Action(
    "cooling.setpoint",
    1,
    "supply cooling zones with warmer or colder air or water",
    Params,
    check,
    changes,
    locks,
    duration,
    example,
)
