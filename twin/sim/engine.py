"""The settle: from the cells of state to who is powered, who is reachable, who serves what and what it draws.

Order within a settle: topology (power sweep, network) → servers (capacity) → routing → services → power. Each part
is redone only when something upstream of it changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Floats, Ints
from twin.sim import network as net
from twin.sim import power as pw
from twin.sim.constants import Constants
from twin.sim.mover import Mover
from twin.sim.routing import Routing, route, site_traffic
from twin.sim.services import Flows, ServiceEngine
from twin.sim.shared import SharedSettles
from twin.sim.sparse import Sums, add_up
from twin.sim.state import State

# What services and power leave behind at a settle. Each settle makes these anew and changes none of them afterwards.
FLOWING = (
    "flows",
    "p99_s",
    "link_load",
    "switch_load",
    "utilisation_rs",
    "load",
    "squares",
    "rack_w",
    "unit_va",
    "unit_peak_va",
    "facility_w",
    "it_w",
    "cooling_short_w",
)


class Engine:
    """All state of one run and its settle. Attributes named in the recorder are valid after `settle`."""

    def __init__(
        self, compiled: Compiled, constants: Constants | None = None, shared: SharedSettles | None = None
    ) -> None:
        self.compiled = compiled
        self._shared = shared
        self._constants = constants or Constants.of(compiled)
        self.state = State(compiled)
        self.services = ServiceEngine(compiled)
        self.flows: Flows | None = None
        self.routing: Routing | None = None
        self.movers: Sequence[Mover] = ()
        self.settles = 0
        self.now = 0.0
        sizes = {kind: len(names) for kind, names in compiled.names.items()}
        self.racks, self.sites = sizes["racks"], sizes["sites"]
        self.group_active = np.zeros(sizes["server_groups"])
        self._group_static_w = np.zeros(sizes["server_groups"])
        self._offered = np.zeros(sizes["server_groups"])
        self.installed_cost = np.zeros(sizes["server_groups"])
        self.installed_embodied = np.zeros(sizes["server_groups"])
        self._capped = np.zeros(0, dtype=np.int64)
        self.link_load = np.zeros(sizes["links"])
        self.switch_load = np.zeros(sizes["switches"])
        self.facility_w: Floats = np.zeros(self.sites)
        self.it_w: Floats = np.zeros(self.sites)
        self.utilisation_rs: Floats = np.zeros(0)
        self.capacity_rs: Floats = np.zeros(0)

    def advance(self, seconds: float) -> None:
        """Move the state that moves on its own."""
        self.services.advance(self.flows, seconds)
        for mover in self.movers:
            mover.advance(seconds)

    def settle(self, now: float) -> None:
        """Settle the coupled state for the instant `now` (seconds)."""
        self.now = now
        state = self.state
        if state.topology_due:
            self._settle_topology()
        if state.servers_due or state.topology_due:
            self._settle_servers()
        changed = self.services.update_beliefs(now, frozen=state.control_lost > 0)
        if state.routing_due or state.topology_due or changed or self.routing is None:
            believed = self.services.believed
            self.routing = route(
                self.compiled, state.weight, self.services.able if believed is None else believed, self.routes
            )
        self._settle_flows(now)
        state.topology_due = state.servers_due = state.routing_due = state.demand_due = False
        self.settles += 1

    def _settle_flows(self, now: float) -> None:
        """Services and power; where nothing remembers the past they are a function of state and time, and arms share them."""
        if self._shared is None or not self.services.at_rest:
            self._settle_services(now)
            self._settle_power(now)
            return
        key = (now, self.state.fingerprint())
        found = self._shared.get(key)
        if found is None:
            self._settle_services(now)
            self._settle_power(now)
            if self.flows is not None and self.flows.backlog_rate is None:
                self._shared.put(key, {name: getattr(self, name) for name in FLOWING})
        else:
            self.__dict__.update(found)

    def _settle_topology(self) -> None:
        state, compiled = self.state, self.compiled
        self.topology = now = self._constants.topologies.of(state)
        self.alive, self.share, self.routes = now.alive, now.share, now.routes
        self.rack_powered, self.rack_reachable, self.plant_alive = (
            now.rack_powered,
            now.rack_reachable,
            now.plant_alive,
        )
        self.site_ok = now.routes.label >= 0
        self.rack_ok = now.rack_powered & now.rack_reachable & (state.drained == 0)
        copies = (now.rack_powered & now.rack_reachable)[compiled.storage_racks]
        counts = (
            np.add.reduceat(copies.astype(np.int64), compiled.storage_starts)
            if len(copies)
            else np.zeros(0, np.int64)
        )
        self.storage_ok = counts >= compiled.storage_quorum

    def _settle_servers(self) -> None:
        """Working servers, running replicas and what they cost; after server faults only where they struck."""
        state, servers, constants = self.state, self.compiled.servers, self._constants
        everywhere = state.topology_due or state.cells_due or not self.settles or len(self._capped) > 0
        groups: slice | Ints = (
            slice(None) if everywhere else np.array(sorted(state.touched_groups), dtype=np.int64)
        )
        self._settle_groups(groups)
        self._settle_caps()
        self._offered[groups] = self.group_active[groups] * constants.group_rru[groups]
        if len(self._capped):
            self._offered[self._capped] *= self._cap_utilisation
        self.capacity_rs = constants.pairs.of(self._offered)
        self._inverse_rs = np.divide(
            1.0, self.capacity_rs, out=np.zeros_like(self.capacity_rs), where=self.capacity_rs > 0
        )
        cells = slice(None) if everywhere else constants.cells_of(np.unique(servers.group_rs[groups]))
        self._settle_replicas(cells)
        self.services.set_capacity(self.running, self.site_ok, self._storage_of_service(), cells)
        self._static_w = (
            constants.racks.of(self._group_static_w) + constants.rack_switch_w * self.rack_powered
        )
        self._static_var = constants.racks.of(self._group_static_w * constants.group_tan_phi)
        self._rack_weight = Sums(
            self._offered, servers.group_rs, constants.racks.starts, len(self.capacity_rs)
        )
        self._rack_servers = self._server_sums()
        state.touched_groups.clear()
        state.cells_due = False

    def _settle_replicas(self, cells: slice | Ints) -> None:
        """Replicas that run in some cells (service, site): what is wanted, as far as the servers of the reservation go."""
        state, services = self.state, self.compiled.services
        if isinstance(cells, slice):
            wanted = (state.replicas * services.replica_rru[:, None]).ravel()
            self._need = add_up(services.rs.ravel(), wanted, len(self.capacity_rs) + 1)[:-1]
            self.running, self.short_rru = np.zeros_like(state.replicas), np.zeros_like(state.replicas)
        need = self._need
        fill = np.minimum(1.0, np.divide(self.capacity_rs, need, out=np.ones_like(need), where=need > 0))
        fill = np.append(fill, 0.0)
        row = self._constants.service_of_cell[cells]
        healthy = np.clip(1.0 - state.sick, 0.0, 1.0)[row]
        replicas = state.replicas.ravel()[cells]
        running = replicas * fill[services.rs.ravel()[cells]] * healthy
        self.running.ravel()[cells] = running
        self.short_rru.ravel()[cells] = (replicas - running) * services.replica_rru[row]

    def _settle_groups(self, groups: slice | Ints) -> None:
        """Working servers of some groups, and what their idle and broken ones draw."""
        state, rack = self.state, self.compiled.servers.group_rack[groups]
        healthy = np.maximum(state.count[groups] - state.failed[groups], 0)
        powered = np.where(self.rack_powered[rack], healthy, 0)
        active = np.where(self.rack_ok[rack], powered, 0)
        broken = np.where(self.rack_powered[rack], state.count[groups] - healthy, 0)
        self.group_active[groups] = active
        self._group_static_w[groups] = (powered - active) * self._constants.group_idle_w[
            groups
        ] + broken * self._constants.group_off_w[groups]
        kind = self.compiled.servers.group_type[groups]
        self.installed_cost[groups] = self.compiled.servers.type_cost_per_s[kind] * state.count[groups]
        self.installed_embodied[groups] = (
            self.compiled.servers.type_embodied_per_s[kind] * state.count[groups]
        )

    def _settle_caps(self) -> None:
        """A capped rack gives its servers equal parts of nameplate: their utilisation stops where the power would pass it.

        Throttled servers lose a share of their top speed; the lower of the two ceilings counts.
        """
        servers, state = self.compiled.servers, self.state
        rack = servers.group_rack
        limited = np.isfinite(state.cap_w)
        slowed = limited | (state.slow > 0)
        self._capped = np.flatnonzero(slowed[rack]) if slowed.any() else np.zeros(0, dtype=np.int64)
        if not len(self._capped):
            return
        most = servers.type_watts[servers.group_type, -1] * self.group_active
        nameplate = add_up(rack, most, self.racks)
        scale = np.divide(state.cap_w, nameplate, out=np.ones(self.racks), where=limited & (nameplate > 0))
        self._cap_utilisation = np.array(
            [
                pw.utilisation_at_watts(
                    servers,
                    int(servers.group_type[g]),
                    float(scale[rack[g]] * servers.type_watts[servers.group_type[g], -1]),
                )
                for g in self._capped
            ]
        )
        np.minimum(
            self._cap_utilisation,
            np.clip(1.0 - state.slow[rack[self._capped]], 0.0, 1.0),
            out=self._cap_utilisation,
        )

    def _server_sums(self) -> Sums:
        """Working servers of each bucket in each rack `[R, buckets + capped groups]`: a capped group has a column of its own."""
        servers = self.compiled.servers
        column = servers.group_bucket
        if len(self._capped):
            column = column.copy()
            column[self._capped] = len(servers.bucket_rs) + np.arange(len(self._capped))
        return Sums(
            self.group_active,
            column,
            self._constants.racks.starts,
            len(servers.bucket_rs) + len(self._capped),
        )

    def _storage_of_service(self) -> np.ndarray:
        storage = self.compiled.services.storage
        return np.where(storage >= 0, np.append(self.storage_ok, True)[storage], True)

    def _settle_services(self, now: float) -> None:
        assert self.routing is not None
        self._factors = self.compiled.demand.factors(now)
        demand = self.compiled.demand.at(now, self._factors)
        if self.state.surge.any():
            demand = demand * np.maximum(1.0 + self.state.surge, 0.0)
        self.flows = self.services.flows(self.routing, demand)
        if self._constants.carries_traffic:
            self._settle_traffic(demand)
        rtt = (demand * self.routing.spill * self.routing.rtt_s).sum(axis=1)
        total = demand.sum(axis=1)
        self.p99_s = self.flows.p99_s + np.divide(rtt, total, out=np.zeros_like(rtt), where=total > 0)

    def _settle_traffic(self, demand: Floats) -> None:
        assert self.flows is not None and self.routing is not None
        compiled, flows = self.compiled, self.flows
        network = compiled.network
        traffic = site_traffic(compiled, self.routing, demand, flows.remote)
        both = net.backbone_loads(self.routes, traffic, len(network.backbone))
        if (both > self._constants.backbone_bps).any():
            share = net.delivered(self.routes, both, self._constants.backbone_bps, self.sites)
            self.services.lose_in_network(flows, self.routing, demand, share)
        if len(network.levels.child):
            self.switch_load, self.link_load = net.fabric_loads(
                network, self._rack_traffic(flows), self.topology.link_share, self.topology.fabric
            )
        else:
            self.link_load = np.zeros_like(self.link_load)
        self.link_load[network.backbone] = np.maximum(both[0], both[1])

    def _rack_traffic(self, flows: Flows) -> Floats:
        """Bits per second that each rack sends, by its part of the relative resource units of its services."""
        per_rs = self._constants.bits.of(flows.passed.ravel()) * self._inverse_rs
        return self._rack_weight.of(per_rs)

    def _settle_power(self, now: float) -> None:
        power = self.compiled.power
        assert self.flows is not None
        self.utilisation_rs = self._constants.busy.of(self.flows.passed.ravel()) * self._inverse_rs
        load, squares = np.zeros((power.levels.nodes, 3)), np.zeros(power.levels.nodes)
        each, each_squares = self._server_loads()
        racks = load[: self.racks]
        self._rack_servers.into(each, racks)
        self._rack_servers.into(each_squares, squares[: self.racks])
        racks[:, pw.W] += self._static_w
        racks[:, pw.VAR] += self._static_var
        self.rack_w = racks[:, pw.W].copy()
        self._load_plants(load, now)
        load[self._constants.fed_node, pw.W] = (
            self._constants.fed_w * self.topology.switch_alive[self._constants.fed_switch]
        )
        self.topology.roll_up.fill(pw.injected(power, self.state.inject_w), load, squares, self.alive)
        self.load, self.squares = load, squares
        self.unit_va, self.unit_peak_va = pw.apparent(load[power.unit_node], squares[power.unit_node])
        self.facility_w = add_up(
            power.unit_site[self._constants.source], load[self._constants.source_node, pw.W], self.sites
        )

    def _server_loads(self) -> tuple[Floats, Floats]:
        """Load and squares of one server of each bucket, and then of each capped group."""
        servers = self.compiled.servers
        utilisation, kinds = self.utilisation_rs[servers.bucket_rs], servers.bucket_type
        if len(self._capped):
            own = np.minimum(self.utilisation_rs[servers.group_rs[self._capped]], 1.0) * self._cap_utilisation
            utilisation, kinds = (
                np.append(utilisation, own),
                np.append(kinds, servers.group_type[self._capped]),
            )
        return pw.loads_of(servers, pw.server_watts(servers, utilisation, kinds), kinds)

    def _load_plants(self, load: Floats, now: float) -> None:
        power, demand = self.compiled.power, self.compiled.demand
        self.it_w = add_up(self.compiled.rack_site, self.rack_w, self.sites)
        self.cooling_short_w = np.zeros(self.sites)
        if not len(power.plant_node):
            return
        outdoor = np.where(demand.outdoor_series >= 0, self._factors[demand.outdoor_series], demand.outdoor)
        self.outdoor_c = outdoor + self.state.warmer_c
        watts, short = pw.cooling_power(power, self.it_w, self.outdoor_c, self.plant_alive)
        self.cooling_short_w = np.where(self._constants.has_plant, short, 0.0)
        load[power.plant_node, pw.W] = watts
        load[power.plant_node, pw.VAR] = watts * power.plant_tan_phi
