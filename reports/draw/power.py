"""The power chain: from the utility on the left to the racks on the right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from matplotlib.figure import Figure

from reports.draw.grouping import Item, collapse, levels
from reports.draw.layered import Box, Edge
from reports.draw.paint import Paint
from reports.draw.picture import Panel, box_of, compose, layers, titled
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet

_MOST = 30  # boxes in a column of a single drawing
_MOST_OF_MANY = 14  # and of one panel among several
_PANELS = 12


def draw_power(fleet: Fleet, paint: Paint, *, name: str | None = None) -> Figure:
    """Return the power chain of one site, of all above and below a unit, plant or rack, or of all sites.

    Racks stand as one box per row and pair of feeds. Where a column holds too many boxes, units that hang on
    the same boxes and are rated alike become one; its colour is that of the worst of them.
    """
    things = _things(fleet)
    if name is None:
        return _all_sites(fleet, things, paint)
    if name in {site.name for site in fleet.sites}:
        chosen = [item for item in things.values() if fleet.site_of(item.name) == name]
    elif name in things:
        chosen = _around(things, name)
    else:
        known = [*(site.name for site in fleet.sites), *things]
        hint = did_you_mean(name, known) or "name a site, a power unit, a cooling plant or a rack"
        raise UsageError(f"the fleet {fleet.name} has no site or power unit called '{name}' ({hint})")
    if not chosen:
        raise UsageError(f"there is no power to draw at '{name}'")
    panel = _panel(chosen, paint, most=_MOST, strong=name)
    return compose(titled(f"Power of {name}", paint), [panel], paint=paint)


def _all_sites(fleet: Fleet, things: dict[str, Item], paint: Paint) -> Figure:
    sites: dict[str, list[Item]] = defaultdict(list)
    for item in things.values():
        sites[fleet.site_of(item.name) or ""].append(item)
    if not sites:
        raise UsageError(f"the fleet {fleet.name} has no power to draw")
    if len(sites) > _PANELS:
        panels = [_overview(fleet, paint)]
    else:
        most = _MOST if len(sites) == 1 else _MOST_OF_MANY
        panels = [_panel(items, paint, title=site, most=most) for site, items in sites.items()]
    return compose(titled(f"Power of {fleet.name}", paint), panels, paint=paint)


def _things(fleet: Fleet) -> dict[str, Item]:
    """Return units, plants and racks with their feeds; racks stand in the last column."""
    depth = levels({unit.name: unit.fed_by for unit in fleet.power_units})
    last = max(depth.values(), default=0) + 1
    found = {}
    for unit in fleet.power_units:
        like, standby = (unit.kind, unit.rated_va), unit.feed_mode == "standby"
        found[unit.name] = Item(unit.name, depth[unit.name], unit.fed_by, like, standby)
    for plant in fleet.cooling_plants:
        level = max((depth[feed] for feed in plant.fed_by if feed in depth), default=-1) + 1
        standby = plant.feed_mode == "standby"
        found[plant.name] = Item(plant.name, level, plant.fed_by, ("plant", plant.site), standby)
    for rack in fleet.racks:
        row = (rack.site, rack.row, rack.fed_by)
        found[rack.name] = Item(rack.name, last, rack.fed_by, ("rack", rack.site), bundle=row)
    return found


def _around(things: dict[str, Item], name: str) -> list[Item]:
    """Return everything above and below a thing."""
    fed: dict[str, list[str]] = defaultdict(list)
    for item in things.values():
        for feed in item.feeds:
            fed[feed].append(item.name)
    near = _reach(name, {item.name: item.feeds for item in things.values()}) | _reach(name, fed)
    return [item for item in things.values() if item.name in near]


def _reach(name: str, ahead: Mapping[str, Iterable[str]]) -> set[str]:
    """Return a thing and all that follow from it. Cost: O(things + edges)."""
    seen, stack = {name}, [name]
    while stack:
        for other in ahead.get(stack.pop(), ()):
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return seen


def _panel(items: list[Item], paint: Paint, *, most: int, title: str = "", strong: str = "") -> Panel:
    groups = collapse(items, most=most)
    boxes = [box_of(group, paint, strong=strong in group.names) for group in groups]
    edges = [
        Edge(feed, group.key, dashed=group.standby and number > 0)
        for group in groups
        for number, feed in enumerate(group.feeds)
    ]
    return layers(title, boxes, edges)


def _overview(fleet: Fleet, paint: Paint) -> Panel:
    """Return one box per site, by region: too many sites for their chains."""
    boxes = [Box(f"region:{region.name}", 0, region.name) for region in fleet.regions]
    for site in fleet.sites:
        note = paint.words.get(site.name, "")
        boxes.append(Box(site.name, 1, site.name, note, paint.colour([site.name])))
    edges = [Edge(f"region:{site.region}", site.name) for site in fleet.sites]
    return layers("one box per site; name a site to see its power chain", boxes, edges)
