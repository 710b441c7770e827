"""Headroom: how far units and links are from their limits, now and after the worst single loss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from twin.records.snapshot import Floats, Snapshot


@dataclass(frozen=True)
class Headroom:
    """The load of one unit (peak VA) or link (bit/s) against its limit.

    `worst` is its highest load in any of the snapshots and `loss` what was lost then ("" for nothing).
    """

    name: str
    kind: str
    site: str
    unit: Literal["VA", "bit/s"]
    limit: float
    load: float
    worst: float
    loss: str

    @property
    def share(self) -> float:
        """Return the share of the limit that is used as it is."""
        return self.load / self.limit

    @property
    def worst_share(self) -> float:
        """Return the share of the limit that is used after the worst loss."""
        return self.worst / self.limit


def headroom(now: Snapshot, after: Iterable[Snapshot] = ()) -> tuple[Headroom, ...]:
    """Return the headroom of every unit and link, tightest first. Cost: one pass over them per snapshot."""
    load = _loads(now)
    worst, loss = load.copy(), np.zeros(len(load), dtype=np.int64)
    lost = [""]
    for snapshot in after:
        lost.append(" + ".join(snapshot.lost))
        there = _loads(snapshot)
        higher = there > worst
        worst[higher], loss[higher] = there[higher], len(lost) - 1
    units = len(now.units)
    limit = np.concatenate([now.limit_va, now.link_capacity_bps])
    kinds, sites = (*now.unit_kind, *("link",) * len(now.links)), (*now.unit_site, *("",) * len(now.links))
    rows = [
        Headroom(
            name=name,
            kind=kinds[i],
            site=sites[i],
            unit="VA" if i < units else "bit/s",
            limit=float(limit[i]),
            load=float(load[i]),
            worst=float(worst[i]),
            loss=lost[loss[i]],
        )
        for i, name in enumerate((*now.units, *now.links))
    ]
    return tuple(sorted(rows, key=lambda row: (-row.worst_share, -row.share)))


def _loads(snapshot: Snapshot) -> Floats:
    return np.concatenate([snapshot.peak_va, snapshot.link_load_bps])
