"""What the colours of a picture mean: how loaded a thing is, or what a loss does to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_hex

from twin.graph.analysis_blast import BlastRadius
from twin.model.fleet import Fleet
from twin.records import text
from twin.records.snapshot import Floats, Snapshot

FULL = 1.1  # the load at which the scale ends
NEUTRAL = "#eef0f2"
LOAD = LinearSegmentedColormap.from_list(
    "load",
    [
        (0.0, "#f1f7f4"),
        (0.45, "#a9d6bd"),
        (0.68, "#f3dc82"),
        (0.85, "#f0a04b"),
        (0.909, "#d94a2b"),
        (1.0, "#6a1b4d"),
    ],
)
# State of a thing after a loss -> colour and what it means, mildest first.
STATES = (
    ("#eef0f2", "not touched"),
    ("#f6dd8b", "less redundancy or capacity"),
    ("#e2653f", "goes down"),
    ("#6a1b4d", "lost"),
)
_UNTOUCHED, _WEAKENED, _DOWN, _LOST = range(4)


@dataclass(frozen=True)
class Paint:
    """The value of each thing on a scale, and words for it.

    A load of 1.0 is a thing's limit; after a loss the value is an index of `STATES`.
    """

    title: str
    scale: Literal["load", "blast"]
    values: Mapping[str, float]
    words: Mapping[str, str] = field(default_factory=dict)
    watts: Mapping[str, float] = field(default_factory=dict)

    def worst(self, names: Iterable[str]) -> float | None:
        """Return the largest value of some things, or None when none has one."""
        return max((self.values[name] for name in names if name in self.values), default=None)

    def colour(self, names: Iterable[str]) -> str:
        """Return the colour of a thing, or of the worst of several."""
        value = self.worst(names)
        if value is None:
            return NEUTRAL
        return STATES[int(value)][0] if self.scale == "blast" else str(to_hex(LOAD(min(value / FULL, 1.0))))

    def note(self, names: tuple[str, ...]) -> str:
        """Return the words for a thing, or in short for several."""
        if len(names) == 1:
            return self.words.get(names[0], "")
        values = [self.values[name] for name in names if name in self.values]
        if not values:
            watts = sum(self.watts.get(name, 0.0) for name in names)
            return f"{text.quantity(watts / 1e3, 'kW')} together" if watts else ""
        if self.scale == "load":
            return f"mean {100 * sum(values) / len(values):.0f} %, at most {100 * max(values):.0f} %"
        touched = sum(value > _UNTOUCHED for value in values)
        return f"{touched} of {len(names)}: {STATES[int(max(values))][1]}" if touched else ""


def by_load(fleet: Fleet, snapshot: Snapshot) -> Paint:
    """Return the loads of units (on the peak), links, racks (of their budget) and services (where busiest)."""
    values: dict[str, float] = {}
    words: dict[str, str] = {}
    for name, peak, limit in _rows(snapshot.units, snapshot.peak_va, snapshot.limit_va):
        values[name] = peak / limit
        words[name] = f"{100 * peak / limit:.0f} % of {text.quantity(limit / 1e3, 'kVA')}"
    for name, load, capacity in _rows(snapshot.links, snapshot.link_load_bps, snapshot.link_capacity_bps):
        values[name] = load / capacity
        words[name] = f"{100 * load / capacity:.0f} % of {text.quantity(capacity / 1e9, 'Gbit/s')}"
    budgets = {rack.name: rack.budget_w for rack in fleet.racks}
    watts = dict(zip(snapshot.racks, snapshot.rack_w.tolist(), strict=True))
    for name, drawn in watts.items():
        if budget := budgets.get(name):
            values[name] = drawn / budget
        words[name] = text.quantity(drawn / 1e3, "kW")
    for name, busy in zip(snapshot.services, snapshot.service_site_utilisation, strict=True):
        values[name] = float(np.nan_to_num(busy).max(initial=0.0))
    _add_sites(snapshot, values, words)
    return Paint(f"load on {snapshot.at:%Y-%m-%d %H:%M} UTC", "load", values, words, watts)


def _rows(names: tuple[str, ...], loads: Floats, limits: Floats) -> Iterator[tuple[str, float, float]]:
    return zip(names, loads.tolist(), limits.tolist(), strict=True)


def _add_sites(snapshot: Snapshot, values: dict[str, float], words: dict[str, str]) -> None:
    """A site is as loaded as its busiest power unit."""
    busiest: dict[str, float] = {}
    for unit, site in zip(snapshot.units, snapshot.unit_site, strict=True):
        busiest[site] = max(busiest.get(site, 0.0), values[unit])
    for name, watts in zip(snapshot.sites, snapshot.site_facility_w.tolist(), strict=True):
        values[name] = busiest.get(name, 0.0)
        words[name] = f"{text.quantity(watts / 1e3, 'kW')}, busiest unit {100 * values[name]:.0f} %"


def by_blast(fleet: Fleet, radius: BlastRadius, *, of: str) -> Paint:
    """Return what the loss of *of* does to everything."""
    values = {name: float(_UNTOUCHED) for name in fleet.things}
    for weakened in radius.weakened:
        values.update(dict.fromkeys(weakened.things, float(_WEAKENED)))
    words: dict[str, str] = {}
    for impact in radius.services:
        values[impact.service] = float(_DOWN if impact.down else _WEAKENED)
        loses = f"loses {100 * impact.share_lost:.0f} % of its capacity"
        words[impact.service] = "goes down" if impact.down else loses
    for names in radius.down.values():
        values.update(dict.fromkeys(names, float(_DOWN)))
    values.update(dict.fromkeys((*radius.lost, of), float(_LOST)))
    for name, value in values.items():
        if value > _UNTOUCHED:
            words.setdefault(name, STATES[int(value)][1])
    return Paint(f"what goes down with {of}", "blast", values, words)


def plain() -> Paint:
    """Return a paint that says nothing."""
    return Paint("", "load", {})
