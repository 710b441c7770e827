"""What services and power do over a block of instants, as arrays with time last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from twin.graph.levels import Floats
from twin.sim.servers import Supply
from twin.sim.services import Flows


@dataclass(frozen=True, eq=False)
class Block:
    """A run of settled instants `times` `[T, s]`, none of which but the first may have a memory.

    Shapes: K services, S sites, P (reservation, site) pairs, L links, W switches, U units, n nodes of the folded power chain.
    `flows` have time first (T, K, S), everything else time last: `p99_s` and `network_failing` (the share of requests that fail
    for it; K, T), `utilisation_rs` (P, T), `link_load` (L, T), `switch_load` (W, T), `traffic_bps` and `traffic_lost_bps` (rows
    of the table traffic, T) in bit/s, `load` (n, 3, T), `unit_va` and `unit_peak_va` (U, T), `facility_w`, `it_w`, `onsite_w`,
    `cooling_short_w`, `outdoor_c` and `water_l_per_s` (S, T). `supplies` says what the servers offer, and from which column on.
    """

    times: Floats
    flows: Flows
    p99_s: Floats
    utilisation_rs: Floats
    link_load: Floats
    switch_load: Floats
    network_failing: Floats
    traffic_bps: Floats
    traffic_lost_bps: Floats
    load: Floats
    unit_va: Floats
    unit_peak_va: Floats
    facility_w: Floats
    it_w: Floats
    onsite_w: Floats
    cooling_short_w: Floats
    outdoor_c: Floats
    water_l_per_s: Floats
    supplies: tuple[tuple[int, Supply], ...] = ()

    def __len__(self) -> int:
        return len(self.times)

    def part(self, first: int, last: int) -> Block:
        """Return the columns first, …, last - 1, without their supplies."""
        columns = slice(first, last)
        values = {name: getattr(self, name)[..., columns] for name in ARRAYS}
        return Block(flows=self.flows.part(columns), **values)

    def head(self, columns: int) -> Block:
        """Return the leading columns with their supplies."""
        return self if columns == len(self) else self.part(0, columns).supplied(self.supplies)

    def supplied(self, supplies: Sequence[tuple[int, Supply]]) -> Block:
        """Return the same block with the supplies that its columns have."""
        return replace(self, supplies=tuple(row for row in supplies if row[0] < len(self)))

    def column(self, i: int) -> dict[str, Any]:
        """Return what holds at one of the instants, by name."""
        found: dict[str, Any] = {name: getattr(self, name)[..., i] for name in ARRAYS if name != "times"}
        return {**found, "flows": self.flows.part(i)}

    @property
    def quiet(self) -> bool:
        """Whether nothing in it has a memory."""
        return self.flows.backlog_rate is None

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        arrays = [*(getattr(self, name) for name in ARRAYS), *vars(self.flows).values()]
        return sum({id(a): a.nbytes for a in arrays if isinstance(a, np.ndarray)}.values())


ARRAYS = tuple(field.name for field in fields(Block) if field.name not in ("flows", "supplies"))
