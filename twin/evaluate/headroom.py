"""Headroom after every single loss, many losses at a time.

What is lost at one site changes the power and the links of that site only, as long as nobody's traffic moves. So one loss
of each site is settled together with one of every other; where traffic did move after all, the settle is done again with
half of the losses, down to single ones. The numbers are those of one settle per loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

import numpy as np

from twin.model.fleet import Fleet
from twin.records.headroom import Headroom, Ints, Tally
from twin.records.snapshot import Snapshot
from twin.sim.snapshot import Snapshots

Progress = Callable[[int, int, str], None]
Batch = tuple[int, ...]  # numbers of losses, from 1


def headroom_after(
    fleet: Fleet, losses: Sequence[str], *, progress: Progress | None = None
) -> tuple[Headroom, ...]:
    """Return the headroom of every unit and link now and after the worst of some single losses, tightest first.

    Cost: as many settles as the site with most losses has, one for each border switch and backbone link, and some for each
    loss that moves traffic (2 log2 of the number of sites at most). Raises UsageError for a name that cannot be lost.
    """
    snapshots, areas = Snapshots(fleet), _Areas(fleet)
    now = snapshots.of()
    tally, done = Tally(now), 0
    ahead = list(_batches([areas.of(name) for name in losses]))[::-1]
    while ahead:
        batch = ahead.pop()
        if progress is not None:
            progress(done, len(losses), f"without {losses[batch[0] - 1]}")
        there = snapshots.of([losses[number - 1] for number in batch])
        if len(batch) == 1:
            tally.take(there, batch[0])
        elif areas.moved(now, there):
            half = len(batch) // 2
            ahead += [batch[half:], batch[:half]]
            continue
        else:
            tally.take(there, areas.owner(now, {areas.of(losses[number - 1]): number for number in batch}))
        done += len(batch)
    return tally.rows(losses)


def _batches(areas: Sequence[str]) -> Iterator[Batch]:
    """Return one loss of each area at a time; those that belong to no single one ("") alone."""
    by_area: dict[str, list[int]] = {}
    for number, area in enumerate(areas, 1):
        by_area.setdefault(area, []).append(number)
    yield from ((number,) for number in by_area.pop("", ()))
    for row in zip_longest(*by_area.values()):
        yield tuple(number for number in row if number is not None)


class _Areas:
    """Sites, or sites that feed each other together: what a loss in one can change while no traffic moves."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._of_site = {site.name: site.name for site in fleet.sites}
        for unit in fleet.power_units:
            for feeder in unit.fed_by:
                self._join(unit.site, fleet.things[feeder][1].site)
        ends = [(fleet.things[link.a][1].site, fleet.things[link.b][1].site) for link in fleet.links]
        self._links = {
            link.name: self._of_site[a] if a == b else ""
            for link, (a, b) in zip(fleet.links, ends, strict=True)
        }

    def _join(self, site: str, other: str) -> None:
        old, new = self._of_site[site], self._of_site[other]
        if old != new:
            self._of_site = {name: new if area == old else area for name, area in self._of_site.items()}

    def of(self, name: str) -> str:
        """Return the area of a thing; "" when its loss is felt elsewhere: the backbone, and what joins a site to it."""
        kind, row = self._fleet.things.get(name, ("", None))
        if kind == "links":
            return self._links[name]
        if kind == "switches" and row.tier == "border":
            return ""
        return self._of_site.get(getattr(row, "site", ""), "")

    def owner(self, now: Snapshot, losses: dict[str, int]) -> Ints:
        """Return for each unit and link `[U + L]` the loss of its own area (0: none)."""
        areas = [*(self._of_site[site] for site in now.unit_site), *(self._links[name] for name in now.links)]
        return np.array([losses.get(area, 0) for area in areas], dtype=np.int64)

    def moved(self, now: Snapshot, there: Snapshot) -> bool:
        """Tell whether any traffic moved: requests, what they load servers with, or what the backbone carries."""
        backbone = np.array([not self._links[name] for name in now.links], dtype=bool)
        return not (
            np.array_equal(now.service_site_rate, there.service_site_rate)
            and np.array_equal(now.service_site_utilisation, there.service_site_utilisation)
            and np.array_equal(now.service_error, there.service_error)
            and np.array_equal(now.link_load_bps[backbone], there.link_load_bps[backbone])
        )
