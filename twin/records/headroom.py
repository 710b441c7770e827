"""Headroom: how far units and links are from their limits, now and after the worst single loss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from twin.records.snapshot import Floats, Snapshot

Ints = NDArray[np.int64]


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
    tally, lost = Tally(now), list[str]()
    for snapshot in after:
        lost.append(" + ".join(snapshot.lost))
        tally.take(snapshot, len(lost))
    return tally.rows(lost)


class Tally:
    """The highest load of each unit and link `[U + L]` over the losses taken so far, in any order."""

    def __init__(self, now: Snapshot) -> None:
        self._now = now
        self._load = _loads(now)
        self._worst, self._loss = self._load.copy(), np.zeros(len(self._load), dtype=np.int64)

    def take(self, snapshot: Snapshot, loss: int | Ints) -> None:
        """Take the loads after loss number `loss` (from 1; one for all, or for each unit and link its own, 0: none of its own).

        Of losses that load something equally the first counts.
        """
        there = _loads(snapshot)
        higher = (there > self._worst) | ((there == self._worst) & (loss < self._loss))
        higher &= np.asarray(loss) > 0
        self._worst[higher] = there[higher]
        self._loss[higher] = np.broadcast_to(loss, there.shape)[higher]

    def rows(self, losses: Sequence[str]) -> tuple[Headroom, ...]:
        """Return the headroom of all, tightest first; `losses` are the names of the losses from number 1 on."""
        now, lost = self._now, ("", *losses)
        units = len(now.units)
        limit = np.concatenate([now.limit_va, now.link_capacity_bps])
        kinds, sites = (
            (*now.unit_kind, *("link",) * len(now.links)),
            (*now.unit_site, *("",) * len(now.links)),
        )
        rows = [
            Headroom(
                name=name,
                kind=kinds[i],
                site=sites[i],
                unit="VA" if i < units else "bit/s",
                limit=float(limit[i]),
                load=float(self._load[i]),
                worst=float(self._worst[i]),
                loss=lost[self._loss[i]],
            )
            for i, name in enumerate((*now.units, *now.links))
        ]
        return tuple(sorted(rows, key=lambda row: (-row.worst_share, -row.share)))


def _loads(snapshot: Snapshot) -> Floats:
    return np.concatenate([snapshot.peak_va, snapshot.link_load_bps])
