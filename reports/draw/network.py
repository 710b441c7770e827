"""The network: the backbone between sites as a map, or the fabric of one site in layers."""

from __future__ import annotations

from collections import defaultdict

from matplotlib.figure import Figure

from reports.draw.backbone import backbone
from reports.draw.grouping import Group, Item, collapse
from reports.draw.layered import LINE, Edge
from reports.draw.paint import Paint
from reports.draw.picture import box_of, compose, layers, titled
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet
from twin.model.network import TIERS

_MOST = 30


def draw_network(fleet: Fleet, paint: Paint, *, name: str | None = None) -> Figure:
    """Return the backbone, or, with the name of a site, its fabric from the border to the racks.

    Lines take the colour of the worst link they stand for. Sites with coordinates stand where they are.
    """
    sites = [site.name for site in fleet.sites]
    if name is None and len(sites) > 1:
        return compose(titled(f"Backbone of {fleet.name}", paint), [backbone(fleet, paint)], paint=paint)
    name = name or sites[0]
    if name not in sites:
        hint = did_you_mean(name, sites) or "leave the name out for the backbone"
        raise UsageError(f"the fleet {fleet.name} has no site called '{name}' ({hint})")
    items = _items(fleet, name)
    if not items:
        raise UsageError(f"there is no network to draw at '{name}'")
    groups = collapse(items, most=_MOST)
    boxes = [box_of(group, paint) for group in groups]
    panel = layers("", boxes, _edges(fleet, groups, paint))
    return compose(titled(f"Network of {name}", paint), [panel], paint=paint)


def _items(fleet: Fleet, site: str) -> list[Item]:
    """Return the switches by tier and the racks below them; a switch hangs on its neighbours of a higher tier."""
    level = {tier: number for number, tier in enumerate(reversed(TIERS))}
    here = {switch.name: switch for switch in fleet.switches if switch.site == site}
    above: dict[str, dict[str, None]] = defaultdict(dict)
    for link in fleet.links:
        if link.a in here and link.b in here:
            low, high = sorted((link.a, link.b), key=lambda end: -level[here[end].tier])
            if here[low].tier != here[high].tier:
                above[low][high] = None
    found = [
        Item(switch.name, level[switch.tier], tuple(above[switch.name]), (switch.tier, switch.capacity_bps))
        for switch in here.values()
    ]
    for rack in fleet.racks:
        if rack.site == site:
            row = (rack.row, rack.switches)
            found.append(Item(rack.name, len(level), rack.switches, ("rack", site), bundle=row))
    return found


def _edges(fleet: Fleet, groups: list[Group], paint: Paint) -> list[Edge]:
    """Return one line per pair of boxes, with the worst of the links between them."""
    box = {name: group.key for group in groups for name in group.names}
    links: dict[tuple[str, str], list[str]] = defaultdict(list)
    for link in fleet.links:
        if link.a in box and link.b in box:
            links[box[link.a], box[link.b]].append(link.name)
            links[box[link.b], box[link.a]].append(link.name)
    found = []
    for group in groups:
        for feed in group.feeds:
            names = links[feed, group.key]
            known = paint.worst(names) is not None
            colour = paint.colour(names) if known else LINE
            found.append(Edge(feed, group.key, colour=colour, width=2.2 if known else 0.9))
    return found
