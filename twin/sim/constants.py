"""What the settle needs of a compiled fleet and never changes: worked out once, shared by all runs on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats, Ints, joined
from twin.sim.cooling import Cooling
from twin.sim.sparse import Sums, add_up, group_sums
from twin.sim.topology import Topologies


@dataclass(frozen=True)
class Constants:
    """Sums whose weights are constant, and where leaves stand.

    `busy` sums what the services of a (reservation, site) keep busy `[RRU]` from the requests they get through `[K*S, 1/s]`,
    `bits` what they send `[bit/s]`; `by_site` sums groups to sites, `by_region` sites to regions, `sources` and `units`
    power units to sites. Classes of traffic are the tiers that send any, in order: `service_class` and `traffic_class` say
    whose is which;
    `by_pair` sums rows of traffic to pairs of sites.
    """

    compiled: Compiled
    topologies: Topologies
    busy: Sums
    bits: Sums
    by_site: Sums
    by_region: Sums
    unfed_switch: Ints
    unfed_rack: Ints
    unfed_w: Floats
    service_of_cell: Ints
    fed_switch: Ints
    fed_node: Ints
    fed_w: Floats
    source_node: Ints
    sources: Sums
    units: Sums
    cooling: Cooling
    backbone_bps: Floats
    backbone_buffer_s: Floats
    classes: int
    service_class: Ints
    traffic_class: Ints
    by_pair: Sums
    carries_traffic: bool

    @classmethod
    def of(cls, compiled: Compiled) -> Constants:
        """Work out the constants of a compiled fleet."""
        servers, services, power = compiled.servers, compiled.services, compiled.power
        sites, regions = (len(compiled.names[kind]) for kind in ("sites", "regions"))
        row = services.rs_order // max(1, services.rs.shape[1])
        busy = (services.service_time_s * services.replica_rru / services.slots)[row]
        bits = 8.0 * services.request_bytes[row]
        tiers = np.unique(np.r_[services.tier, compiled.traffic.tier])
        fed = np.flatnonzero(power.switch_node >= 0)
        network = compiled.network
        served = np.diff(network.switch_rack_start)
        in_rack = np.repeat(np.arange(len(served)), served)
        unfed = power.switch_node[in_rack] < 0
        source = np.flatnonzero(power.is_source)
        return cls(
            compiled=compiled,
            topologies=Topologies(compiled),
            busy=Sums(busy, services.rs_order, services.rs_starts, services.rs.size),
            bits=Sums(bits, services.rs_order, services.rs_starts, services.rs.size),
            by_site=group_sums(compiled.rack_site[servers.group_rack], sites),
            by_region=group_sums(compiled.site_region, regions),
            unfed_switch=in_rack[unfed],
            unfed_rack=network.switch_racks[unfed],
            unfed_w=(power.switch_w / np.maximum(served, 1))[in_rack[unfed]],
            service_of_cell=np.repeat(np.arange(services.rs.shape[0]), services.rs.shape[1]),
            fed_switch=fed,
            fed_node=power.switch_node[fed],
            fed_w=power.switch_w[fed],
            source_node=power.unit_node[source],
            sources=group_sums(power.unit_site[source], sites),
            units=group_sums(power.unit_site, sites),
            cooling=Cooling(compiled.cooling, sites),
            backbone_bps=compiled.network.link_capacity_bps[compiled.network.backbone],
            backbone_buffer_s=compiled.network.link_buffer_s[compiled.network.backbone],
            classes=len(tiers),
            service_class=np.searchsorted(tiers, services.tier),
            traffic_class=np.searchsorted(tiers, compiled.traffic.tier),
            by_pair=group_sums(compiled.traffic.pair, sites * sites),
            carries_traffic=bool(services.request_bytes.any()) or len(compiled.traffic.pair) > 0,
        )

    def switches_in_racks_w(self, switch_alive: Bools) -> Floats:
        """What each rack draws for the live switches in it `[W, (R,)]`: one without feeds shares its draw among its racks."""
        watts = self.unfed_w * switch_alive[self.unfed_switch]
        return add_up(self.unfed_rack, watts, len(self.compiled.names["racks"]))

    def cells_of(self, pairs: Ints) -> Ints:
        """Return the cells (flat service x site) that draw on some (reservation, site) pairs."""
        services = self.compiled.services
        starts = services.rs_starts[pairs]
        return services.rs_order[joined(starts, services.rs_starts[pairs + 1] - starts)]
