"""rack.refeed: move the cords of racks to other power units of their site, one cord after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from twin.actions.base import Action, Count, Names, Objection, OpenFeed, Part, in_batches
from twin.actions.lookup import listing, missing, rack_nameplates_w, watts
from twin.model.base import Record
from twin.model.change import Change
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Duration
from twin.model.power import Rack

CORD_S = 1800.0  # assumed: half an hour to move one cord of a batch of racks


class Params(Record):
    """Which racks, and what feeds each of their cords afterwards."""

    racks: Annotated[Names, Field(description="racks, by name or bracket")]
    feeds: Annotated[
        Names, Field(description="the feeds afterwards, one for each cord, in the order of the racks' feeds")
    ]
    batch: Annotated[Count, Field(description="racks that are moved at once; the next batch follows")] = 1


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """Racks and units exist at one site, each cord has a feed, something changes, and a unit could carry what comes."""
    wrong = [
        *missing(fleet, "racks", params.racks, "racks"),
        *missing(fleet, "power_units", params.feeds, "feeds"),
    ]
    yield from wrong
    if wrong:
        return
    units = {name: fleet.things[name][1] for name in params.feeds}
    for rack in _racks(fleet, params):
        yield from _fits(rack, params, {name: unit.site for name, unit in units.items()})
    for name, unit in units.items():
        power_w = sum(_arriving_w(fleet, params, name))
        if power_w > unit.rated_va * unit.continuous:
            what = f"{name} would get up to {watts(power_w)} of racks and may carry {watts(unit.rated_va * unit.continuous)}"
            yield Objection("budget", what, "fewer racks, or a larger unit", "feeds")


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """Batch by batch and cord by cord: a cord is open from the start of its turn to the end of it."""
    batches = in_batches(params.racks, params.batch)
    width = 1.0 / len(batches)
    parts = []
    for fraction, batch in batches:
        racks: list[Rack] = [fleet.things[name][1] for name in batch]
        turns = _turns(racks, params)
        for turn, cord in enumerate(turns):
            start, end = (fraction + width * (turn + place) / len(turns) for place in (0, 1))
            end = 1.0 if fraction + width > 1 - 1e-9 and turn == len(turns) - 1 else end
            for rack in racks:
                old, new = rack.fed_by[cord], params.feeds[cord]
                if old != new:
                    parts += [
                        Part(start, Change("feed", rack.name, -1.0, old), f"unplug {rack.name} from {old}"),
                        Part(end, Change("feed", rack.name, 1.0, new), f"plug {rack.name} into {new}"),
                    ]
    return parts


def entities(fleet: Fleet, params: Params) -> tuple[OpenFeed, ...]:
    """The new feeds, laid but open, each with the part of the load that its cord carries."""
    return tuple(
        OpenFeed(rack.name, new, share)
        for rack in _racks(fleet, params)
        for old, new, share in zip(rack.fed_by, params.feeds, rack.cord_shares, strict=True)
        if old != new
    )


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The racks, and the units that get them."""
    new = [unit for unit in params.feeds if any(unit not in rack.fed_by for rack in _racks(fleet, params))]
    return (*(f"rack:{rack}" for rack in params.racks), *(f"unit:{unit}" for unit in new))


def duration(params: Params) -> Duration:
    """Half an hour for each cord of each batch."""
    return Duration(mean_s=CORD_S * len(params.feeds) * len(in_batches(params.racks, params.batch)))


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Move the first cord of a rack to a unit of the same kind, that could carry it."""
    for rack in fleet.racks:
        kind = fleet.things[rack.fed_by[0]][1].kind
        others = [unit for unit in fleet.power_units if unit.kind == kind and unit.name not in rack.fed_by]
        for unit in others:
            feeds = (unit.name, *rack.fed_by[1:])
            if not any(check(fleet, Params(racks=(rack.name,), feeds=feeds))):
                given = {"racks": rack.name, "feeds": list(feeds)}
                return [{"id": "refeed", "do": "rack.refeed@1", "params": given}]
    raise UsageError("no rack of this fleet could be fed by another unit of the same kind at its site")


def _fits(rack: Rack, params: Params, site_of: dict[str, str]) -> Iterator[Objection]:
    """Yield why a rack cannot be fed so."""
    if len(rack.fed_by) != len(params.feeds):
        what = f"rack {rack.name} has {len(rack.fed_by)} cords and 'feeds' names {len(params.feeds)}"
        yield Objection("params", what, "name one feed for each cord, in order", "feeds")
        return
    if rack.fed_by == params.feeds:
        what = f"rack {rack.name} is fed by {listing(params.feeds)} already"
        yield Objection("conservation", what, "leave it out", "racks")
    away = [name for name, site in site_of.items() if site != rack.site]
    if away:
        what = f"{listing(away)} is not at {rack.site}, where rack {rack.name} stands"
        yield Objection("reference", what, "name units of the site", "feeds")
    cords = zip(rack.fed_by, params.feeds, strict=True)
    swapped = [new for old, new in cords if new != old and new in rack.fed_by]
    if swapped:
        what = f"{listing(swapped)} feeds another cord of rack {rack.name} now"
        yield Objection("conservation", what, "keep a feed at its cord", "feeds")


def _arriving_w(fleet: Fleet, params: Params, unit: str) -> Iterator[float]:
    """Yield what each rack of the step draws at nameplate through a feed that it gets."""
    nameplates = rack_nameplates_w(fleet, params.racks)
    for rack in _racks(fleet, params):
        if len(rack.fed_by) == len(params.feeds) and unit not in rack.fed_by:
            yield nameplates[rack.name] * rack.cord_shares[params.feeds.index(unit)]


def _turns(racks: list[Rack], params: Params) -> list[int]:
    """Return the cords that some of these racks change, in order."""
    return [i for i, new in enumerate(params.feeds) if any(rack.fed_by[i] != new for rack in racks)]


def _racks(fleet: Fleet, params: Params) -> list[Rack]:
    return [fleet.things[name][1] for name in params.racks]


ACTION = Action(
    "rack.refeed",
    1,
    "move the cords of racks to other power units",
    Params,
    check,
    changes,
    locks,
    duration,
    example,
    entities,
)
