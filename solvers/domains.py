"""Families of failure domains by name: racks, rows, sites, and the racks that go dark with a power unit of a kind.

A rack may go dark with more than one unit of a kind (two panels in a row): then the family has layers, "panel" and "panel (2)".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np

from solvers.problem import Ints
from twin.graph.analysis_chain import Chain, rack_feed
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet
from twin.model.power import UnitKind

PLACES = ("rack", "row", "site")
KINDS: tuple[str, ...] = get_args(UnitKind)
Domains = tuple[tuple[str, ...], Ints]  # names of the domains, and the domain of each rack (-1: none)


def families_of(fleet: Fleet, names: Sequence[str]) -> dict[str, Domains]:
    """Return the families by name. Raises UsageError for names that are no family, all at once.

    A family of power units without any rack that goes dark with one of them has no domains: losing such a unit is survived.
    """
    known = (*PLACES, *KINDS)
    unknown = [name for name in names if name not in known]
    if unknown:
        hints = [
            f"{name!r} ({did_you_mean(name, known) or 'one of ' + ', '.join(known)})" for name in unknown
        ]
        raise UsageError(f"no family of failure domains: {', '.join(hints)}")
    found: dict[str, Domains] = {}
    for name in names:
        if name in PLACES:
            found[name] = _numbered([_place(fleet, i, name) for i in range(len(fleet.racks))])
        else:
            found.update(_dark_with(fleet, name))
    return found


def _place(fleet: Fleet, rack: int, family: str) -> str | None:
    row = fleet.racks[rack]
    if family == "rack":
        return row.name
    if family == "site":
        return row.site
    return row.row if row.row.startswith(row.site) else f"{row.site}/{row.row}"


def _dark_with(fleet: Fleet, kind: str) -> dict[str, Domains]:
    """Return the layers of a family of power units. Cost: one sweep of the chain per feed and unit above it."""
    chains = {site.name: Chain([u for u in fleet.power_units if u.site == site.name]) for site in fleet.sites}
    kinds = {unit.name: unit.kind for unit in fleet.power_units}
    killers: dict[object, tuple[str, ...]] = {}
    of_rack: list[tuple[str, ...]] = []
    for rack in fleet.racks:
        feed, chain = rack_feed(rack), chains[rack.site]
        key = (rack.site, feed)
        if key not in killers:
            above = sorted(frozenset[str]().union(*map(chain.above, feed.units)))
            killers[key] = tuple(u for u in above if kinds[u] == kind and not chain.drawn(feed, u))
        of_rack.append(killers[key])
    layers = max(map(len, of_rack), default=0)
    found = {}
    for layer in range(max(1, layers)):
        name = kind if layer == 0 else f"{kind} ({layer + 1})"
        found[name] = _numbered([units[layer] if layer < len(units) else None for units in of_rack])
    return found


def _numbered(names: Sequence[str | None]) -> Domains:
    domains = tuple(dict.fromkeys(name for name in names if name is not None))
    number = {name: i for i, name in enumerate(domains)}
    return domains, np.array([-1 if name is None else number[name] for name in names], dtype=np.int64)
