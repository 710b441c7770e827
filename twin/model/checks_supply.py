"""Supply that cannot be: batteries larger than physics, switches that stand on two feeds, values that nothing would use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from twin.model.fault import Fault
from twin.model.fleet import Fleet
from twin.model.power import PowerUnit

# The largest stores of any plant last some hours at their rating; a longer one is a slip of a unit.
LONGEST_S = 24 * 3600.0
ON_SITE = ("battery", "solar")
SWITCHES = ("ats", "sts")

# field -> the kinds of unit that it means something for
MEANT_FOR: dict[str, tuple[str, ...]] = {
    "battery_j": ("ups", "battery"),
    "battery_health": ("ups", "battery"),
    "recharge_s": ("ups", "battery"),
    "peukert": ("ups",),
    "walk_in_s": ("ups",),
    "lockout_s": ("ups",),
    "start_s": ("generator",),
    "start_probability": ("generator",),
    "run_mtbf_s": ("generator",),
    "block": ("generator",),
    "transfer_s": SWITCHES,
    "retransfer_s": SWITCHES,
    "feeds_into": ON_SITE,
    "output_series": ("solar",),
    "shave_above_w": ("battery",),
}
# field -> the field without which it does nothing
NEEDS: dict[str, str] = {
    "battery_health": "battery_j",
    "recharge_s": "battery_j",
    "peukert": "battery_j",
    "walk_in_s": "battery_j",
    "lockout_s": "battery_j",
    "start_probability": "start_s",
    "run_mtbf_s": "start_s",
    "block": "start_s",
    "retransfer_s": "transfer_s",
}


def values_mean_something(fleet: Fleet) -> Iterator[Fault]:
    """A unit declares only what its kind has, and nothing that another value is missing for."""
    fields = PowerUnit.model_fields
    for row, unit in enumerate(fleet.power_units):
        for name, kinds in MEANT_FOR.items():
            if getattr(unit, name) == fields[name].default:
                continue
            if unit.kind not in kinds:
                what = f"a {unit.kind} has no {_word(name)}: it is for a {' or '.join(kinds)}"
                yield Fault("power_units", row, name, what, "remove it or mend the kind")
            elif name in NEEDS and getattr(unit, NEEDS[name]) is None:
                what = f"{_word(name)} without {_word(NEEDS[name])} does nothing"
                yield Fault("power_units", row, name, what, f"give {_word(NEEDS[name])} too, or remove it")
        if unit.restore_s is not None and not unit.fed_by:
            what = f"a {unit.kind} has no feed that could come back"
            yield Fault("power_units", row, "restore_s", what, "put it on the units below")


def batteries_are_possible(fleet: Fleet) -> Iterator[Fault]:
    """A battery lasts at most a day at the rating of its unit, and is not recharged with more than that rating."""
    for row, unit in enumerate(fleet.power_units):
        if unit.battery_j is None:
            continue
        lasts_s = unit.battery_j / unit.rated_va
        if lasts_s > LONGEST_S:
            what = f"holds {unit.battery_j / 3.6e6:,.0f} kWh: {lasts_s / 3600:,.0f} h at its rating"
            yield Fault("power_units", row, "battery_j", what, "is it kWh or MWh? at most 24 h at the rating")
        elif lasts_s * unit.battery_health > unit.recharge_s:
            what = f"recharging within {unit.recharge_s:,.0f} s takes more than its rating"
            yield Fault(
                "power_units", row, "recharge_s", what, f"at least {lasts_s * unit.battery_health:,.0f} s"
            )


def switches_stand_on_one_feed(fleet: Fleet) -> Iterator[Fault]:
    """A transfer switch has two sources or more and takes one at a time."""
    for row, unit in enumerate(fleet.power_units):
        if unit.transfer_s is None or unit.kind not in SWITCHES:
            continue
        if len(unit.fed_by) == 1:
            what = f"has nothing to transfer to besides {unit.fed_by[0]!r}"
            yield Fault("power_units", row, "fed_by", what, "name a second source, or remove transfer")
        if unit.feed_mode != "standby" or unit.needs > 1:
            yield Fault(
                "power_units",
                row,
                "needs" if unit.needs > 1 else "feed_mode",
                "a transfer switch stands on one feed at a time",
                "feed_mode: standby, needs: 1",
            )


def on_site_sources_feed_a_unit(fleet: Fleet) -> Iterator[Fault]:
    """Solar and batteries lessen the load of a unit of their site; nothing is fed by them alone."""
    units = {unit.name: unit for unit in fleet.power_units}
    for row, unit in enumerate(fleet.power_units):
        into = units.get(unit.feeds_into or "")
        if unit.kind in ON_SITE and unit.feeds_into is None:
            what = f"the {unit.kind} feeds into nothing"
            yield Fault("power_units", row, "feeds_into", what, "name the unit whose load it lessens")
        elif into is not None and into.site != unit.site:
            what = f"{into.name!r} is at {into.site}, not at {unit.site}"
            yield Fault("power_units", row, "feeds_into", what, "name a unit of its own site")
        elif into is not None and not into.fed_by:
            what = f"{into.name!r} is a source itself"
            yield Fault("power_units", row, "feeds_into", what, "name a unit that has feeders")
        if unit.kind == "battery" and (unit.battery_j is None or unit.shave_above_w is None):
            field = "battery_j" if unit.battery_j is None else "shave_above_w"
            yield Fault(
                "power_units", row, field, f"the battery does nothing without {_word(field)}", "give it"
            )
    for kind in ("power_units", "cooling_plants", "racks", "switches"):
        for row, record in enumerate(fleet.rows(kind)):
            for name in record.fed_by:
                if name in units and units[name].kind in ON_SITE:
                    what = f"{name!r} is a {units[name].kind} and carries nothing alone"
                    yield Fault(kind, row, "fed_by", what, "use feeds_into on it instead")


def _word(field: str) -> str:
    """The name of a field as it stands in documents."""
    return PowerUnit.model_fields[field].alias or field


CHECKS: tuple[Callable[[Fleet], Iterator[Fault]], ...] = (
    values_mean_something,
    batteries_are_possible,
    switches_stand_on_one_feed,
    on_site_sources_feed_a_unit,
)
