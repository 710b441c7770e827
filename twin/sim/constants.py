"""What the settle needs of a compiled fleet and never changes: worked out once, shared by all runs on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats, Ints
from twin.sim.sparse import Sums
from twin.sim.topology import Topologies


@dataclass(frozen=True)
class Constants:
    """Per-group values, and sums whose weights are constant.

    `busy` sums what the services of a (reservation, site) keep busy `[RRU]` from the requests they get through `[K*S, 1/s]`,
    `bits` what they send `[bit/s]`; `racks` and `pairs` sum groups to racks and to (reservation, site) pairs.
    """

    compiled: Compiled
    topologies: Topologies
    group_rru: Floats
    group_idle_w: Floats
    group_off_w: Floats
    group_tan_phi: Floats
    busy: Sums
    bits: Sums
    racks: Sums
    pairs: Sums
    rack_switch_w: Floats
    service_of_cell: Ints
    fed_switch: Ints
    fed_node: Ints
    fed_w: Floats
    source: Ints
    source_node: Ints
    has_plant: Bools
    backbone_bps: Floats
    carries_traffic: bool

    @classmethod
    def of(cls, compiled: Compiled) -> Constants:
        """Work out the constants of a compiled fleet."""
        servers, services, power = compiled.servers, compiled.services, compiled.power
        kind, groups = servers.group_type, len(servers.group_type)
        row = services.rs_order // max(1, services.rs.shape[1])
        busy = (services.service_time_s * services.replica_rru / services.slots)[row]
        bits = 8.0 * services.request_bytes[row]
        ends = np.searchsorted(servers.group_rack, np.arange(len(compiled.names["racks"]) + 1))
        by_pair = np.argsort(servers.group_rs, kind="stable")
        pairs = np.arange(len(servers.rs_site) + 1)
        fed = np.flatnonzero(power.switch_node >= 0)
        source = np.flatnonzero(power.is_source)
        return cls(
            compiled=compiled,
            topologies=Topologies(compiled),
            group_rru=servers.type_rru[kind],
            group_idle_w=servers.type_watts[kind, 0],
            group_off_w=servers.type_off_w[kind],
            group_tan_phi=servers.type_tan_phi[kind],
            busy=Sums(busy, services.rs_order, services.rs_starts, services.rs.size),
            bits=Sums(bits, services.rs_order, services.rs_starts, services.rs.size),
            racks=Sums(np.ones(groups), np.arange(groups), ends, groups),
            pairs=Sums(np.ones(groups), by_pair, np.searchsorted(servers.group_rs[by_pair], pairs), groups),
            rack_switch_w=power.rack_switch_w,
            service_of_cell=np.repeat(np.arange(services.rs.shape[0]), services.rs.shape[1]),
            fed_switch=fed,
            fed_node=power.switch_node[fed],
            fed_w=power.switch_w[fed],
            source=source,
            source_node=power.unit_node[source],
            has_plant=np.bincount(power.plant_site, minlength=len(compiled.names["sites"])) > 0,
            backbone_bps=compiled.network.link_capacity_bps[compiled.network.backbone],
            carries_traffic=bool(services.request_bytes.any()),
        )

    def cells_of(self, pairs: Ints) -> Ints:
        """Return the cells (flat service x site) that draw on some (reservation, site) pairs."""
        services = self.compiled.services
        starts, ends = services.rs_starts[pairs], services.rs_starts[pairs + 1]
        runs = [
            services.rs_order[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]
        return np.concatenate([np.zeros(0, dtype=np.int64), *runs])
