"""Cooling zones and plants that cannot be: refused with the row and the mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from twin.model.cooling import CoolingPlant, CoolingZone
from twin.model.fault import Fault
from twin.model.fleet import Fleet


def zones_are_rows(fleet: Fleet) -> Iterator[Fault]:
    """A zone bears the name of a row of racks at its site."""
    rows = {(rack.site, rack.row) for rack in fleet.racks}
    for number, zone in enumerate(fleet.cooling_zones):
        if (zone.site, zone.name) not in rows:
            known = sorted({row for site, row in rows if site == zone.site})
            mend = f"name one of its rows: {', '.join(known[:6])}" if known else "name a row of its racks"
            yield Fault("cooling_zones", number, "name", f"{zone.site} has no row {zone.name!r}", mend)


def limits_rise(fleet: Fleet) -> Iterator[Fault]:
    """Supply < throttle < shutdown."""
    for number, zone in enumerate(fleet.cooling_zones):
        steps = (zone.supply_c, zone.throttle_c, zone.shutdown_c)
        if not steps[0] < steps[1] < steps[2]:
            shown = ", ".join(f"{step:g} °C" for step in steps)
            what = f"supply, throttle and shutdown are {shown}: they do not rise"
            yield Fault("cooling_zones", number, "throttle_c", what, "e.g. 22 °C, 35 °C and 45 °C")


def zones_name_plants_of_their_site(fleet: Fleet) -> Iterator[Fault]:
    """`cooled_by` names chillers, `carried_by` air handlers or pumps, of the zone's own site."""
    plants = {plant.name: plant for plant in fleet.cooling_plants}
    for number, zone in enumerate(fleet.cooling_zones):
        for field, chills in (("cooled_by", True), ("carried_by", False)):
            names: tuple[str, ...] = getattr(zone, field)
            if len(set(names)) < len(names):
                yield Fault("cooling_zones", number, field, "names the same plant twice", "name each once")
            for plant in (plants[name] for name in names if name in plants):
                what, mend = _unfit(zone, plant, chills=chills)
                if what:
                    yield Fault("cooling_zones", number, field, what, mend)


def zones_share_all_plants_or_none(fleet: Fleet) -> Iterator[Fault]:
    """Two zones have the same plants, or none in common: else who gets how much when it is short is not said."""
    for field in ("cooled_by", "carried_by"):
        taken: dict[str, tuple[str, frozenset[str]]] = {}
        for number, zone in enumerate(fleet.cooling_zones):
            names = frozenset(getattr(zone, field))
            other = next((taken[name] for name in sorted(names) if name in taken), None)
            if other is not None and other[1] != names:
                what = f"shares some plants with zone {other[0]!r}, but not all"
                yield Fault("cooling_zones", number, field, what, "name the same plants, or others")
            for name in names:
                taken.setdefault(name, (zone.name, names))


def zones_have_chillers(fleet: Fleet) -> Iterator[Fault]:
    """A zone that names no chillers is cooled by those of its site that no zone names: there is one."""
    named = {name for zone in fleet.cooling_zones for name in zone.cooled_by}
    free = {
        plant.site for plant in fleet.cooling_plants if plant.kind == "chiller" and plant.name not in named
    }
    for number, zone in enumerate(fleet.cooling_zones):
        if not zone.cooled_by and zone.site not in free:
            what = f"{zone.site} has no chiller left for zone {zone.name!r}"
            yield Fault("cooling_zones", number, "cooled_by", what, "add a cooling plant of kind chiller")


def carriers_carry(fleet: Fleet) -> Iterator[Fault]:
    """Each air handler or pump is named by a zone."""
    carriers = {name for zone in fleet.cooling_zones for name in zone.carried_by}
    for number, plant in enumerate(fleet.cooling_plants):
        if plant.kind != "chiller" and plant.name not in carriers:
            what = f"the {plant.kind} {plant.name!r} serves no zone"
            yield Fault("cooling_plants", number, "kind", what, "name it in carried_by of a cooling zone")


def towers_know_the_humidity(fleet: Fleet) -> Iterator[Fault]:
    """A cooling tower works on the wet bulb: its site needs a humidity."""
    dry = {site.name for site in fleet.sites if site.humidity is None and site.humidity_series is None}
    for number, plant in enumerate(fleet.cooling_plants):
        if plant.heat_rejection == "tower" and plant.site in dry:
            what = f"a tower needs the humidity at {plant.site}, and it is not given"
            yield Fault(
                "cooling_plants", number, "heat_rejection", what, "give the site a humidity, e.g. '60 %'"
            )


def humidities_are_shares(fleet: Fleet) -> Iterator[Fault]:
    """Values of a humidity series lie between 0 and 1."""
    used = {site.humidity_series for site in fleet.sites}
    for number, series in enumerate(fleet.series):
        if series.name in used and not all(0.0 <= value <= 1.0 for value in series.values):
            what = "is a relative humidity and leaves 0 … 1"
            yield Fault("series", number, "values", what, "write shares: 0.65 for 65 %")


def _unfit(zone: CoolingZone, plant: CoolingPlant, *, chills: bool) -> tuple[str, str]:
    """What is wrong with a plant for a zone, and the mend; empty when nothing is."""
    if plant.site != zone.site:
        return f"{plant.name!r} is at {plant.site}, not at {zone.site}", "use one of this site"
    if (plant.kind == "chiller") == chills:
        return "", ""
    what = f"{plant.name!r} is of kind {plant.kind}, which {'removes no heat' if chills else 'carries none'}"
    return what, "name chillers in cooled_by, air handlers and pumps in carried_by"


CHECKS: tuple[Callable[[Fleet], Iterator[Fault]], ...] = (
    zones_are_rows,
    limits_rise,
    zones_name_plants_of_their_site,
    zones_share_all_plants_or_none,
    zones_have_chillers,
    carriers_carry,
    towers_know_the_humidity,
    humidities_are_shares,
)
