"""References to things that can be lost, and the changes that lose them.

A reference is a name, a bracket name (`ams1-p[1-4]-a`), or one of `site:`, `region:`, `row:` (all racks of a
row) and `srlg:` (all links of a shared-risk group) with a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from scenarios.hazards.base import Ill
from twin.model.change import Change
from twin.model.errors import did_you_mean
from twin.model.fleet import SINGULAR, Fleet
from twin.model.names import BracketError, expand
from twin.model.power import SOURCES

STATEFUL = ("power_units", "cooling_plants", "racks", "switches", "links")


def lost(fleet: Fleet, reference: str) -> tuple[Change, ...]:
    """Return the changes that take away what *reference* names (KeyError when there is no such thing)."""
    return tuple(change for name in expand(reference) for change in _lost(fleet, name))


def noun(fleet: Fleet, name: str) -> str:
    """Return "panel ams1-p1-a": the thing with its kind in words."""
    if ":" in name:
        return name.replace(":", " ")
    kind, row = fleet.things[name]
    return f"{row.kind if kind == 'power_units' else SINGULAR[kind]} {name}"


def site_of(fleet: Fleet, name: str) -> str:
    """Return the site of a thing ("" when it belongs to none or several)."""
    return fleet.site_of(name) or "" if name in fleet.things else ""


def check_references(fleet: Fleet, field: str, references: tuple[str, ...]) -> Iterator[Ill]:
    """Yield the references that name nothing, or nothing that can be lost."""
    for reference in references:
        try:
            names = expand(reference)
        except BracketError as error:
            yield Ill(field, error.what, error.mend)
            continue
        for name in names:
            yield from _check_name(fleet, field, name)


def check_names(fleet: Fleet, field: str, kind: str, names: tuple[str, ...]) -> Iterator[Ill]:
    """Yield the names that are not rows of *kind*."""
    known = [row.name for row in fleet.rows(kind)]
    for name in names:
        if name not in known:
            word = SINGULAR[kind]
            mend = did_you_mean(name, known) or f"the fleet has {', '.join(known[:6]) or f'no {kind}'}"
            yield Ill(field, f"there is no {word} {name!r}", mend)


def check_demand(fleet: Fleet, service: str | None, region: str | None) -> Iterator[Ill]:
    """Yield what is wrong with a service and a region whose demand shall change (None: all)."""
    ills = [
        *check_names(fleet, "service", "services", (service,) if service else ()),
        *check_names(fleet, "region", "regions", (region,) if region else ()),
    ]
    yield from ills
    rows = [row for row in fleet.demand if service in (None, row.service) and region in (None, row.region)]
    if not ills and not rows:
        yield Ill("service", "nobody asks for that there", "demand has no such row", absent=True)


def _check_name(fleet: Fleet, field: str, name: str) -> Iterator[Ill]:
    prefix, _, bare = name.rpartition(":")
    try:
        changes = _lost(fleet, name)
    except KeyError:
        known = list(fleet.things) if prefix not in _GROUPS else _GROUPS[prefix][1](fleet)
        yield Ill(field, f"there is no {prefix or 'thing'} {bare!r}", did_you_mean(bare, known))
        return
    if not changes:
        mend = "name a unit, plant, rack, switch, link, server group, site or region"
        yield Ill(field, f"{name!r} cannot be lost", mend)


def _lost(fleet: Fleet, name: str) -> tuple[Change, ...]:
    prefix, _, bare = name.rpartition(":")
    if prefix in _GROUPS:
        return _all_of(_GROUPS[prefix][0](fleet, bare), bare)
    kind, row = fleet.find(name)
    if kind in ("sites", "regions"):
        return _lost(fleet, f"{SINGULAR[kind]}:{row.name}")
    if kind == "server_groups":
        return (Change("failed", row.name, float(row.count)),)
    return (Change("state", row.name, -1.0),) if kind in STATEFUL else ()


def _all_of(names: list[str], of: str) -> tuple[Change, ...]:
    if not names:
        raise KeyError(of)
    return tuple(Change("state", name, -1.0) for name in names)


def _site(fleet: Fleet, site: str) -> list[str]:
    """A site is lost when its power sources and its switches are."""
    units = [unit.name for unit in fleet.power_units if unit.site == site and unit.kind in SOURCES]
    return units + [switch.name for switch in fleet.switches if switch.site == site]


def _region(fleet: Fleet, region: str) -> list[str]:
    return [name for site in fleet.sites if site.region == region for name in _site(fleet, site.name)]


def _row(fleet: Fleet, row: str) -> list[str]:
    return [rack.name for rack in fleet.racks if rack.row == row]


def _srlg(fleet: Fleet, group: str) -> list[str]:
    return [link.name for link in fleet.links if group in link.srlg]


# prefix -> what it takes away, the names it knows
_GROUPS: dict[str, tuple[Callable[[Fleet, str], list[str]], Callable[[Fleet], list[Any]]]] = {
    "site": (_site, lambda fleet: [site.name for site in fleet.sites]),
    "region": (_region, lambda fleet: [region.name for region in fleet.regions]),
    "row": (_row, lambda fleet: sorted({rack.row for rack in fleet.racks})),
    "srlg": (_srlg, lambda fleet: sorted({group for link in fleet.links for group in link.srlg})),
}
