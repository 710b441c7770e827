"""The settle: from the cells of state to who is powered, who is reachable, who serves what and what it draws.

Order within a settle: topology (power sweep, network) → servers (capacity) → routing → services → power. Each part
is redone only when something upstream of it changed. While it stands still, services and power of many instants are
settled as one block (`twin/sim/flowing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats, Ints
from twin.model.change import Change
from twin.sim.block import Block
from twin.sim.constants import Constants
from twin.sim.flowing import Flowing
from twin.sim.mover import Mover
from twin.sim.network import Routes
from twin.sim.power import W
from twin.sim.routers import Routers
from twin.sim.routing import Routing, route
from twin.sim.servers import Servers, Supply
from twin.sim.services import Flows, ServiceEngine
from twin.sim.shared import SharedSettles
from twin.sim.state import State

Veto = Callable[[Block], int]
Faults = Sequence[Sequence[Change]]


class Engine:
    """All state of one run and its settle. Attributes named in the recorder are valid after `settle`."""

    def __init__(
        self,
        compiled: Compiled,
        constants: Constants | None = None,
        shared: SharedSettles | None = None,
        *,
        movers: Sequence[Mover] = (),
    ) -> None:
        self.compiled = compiled
        self._shared = shared
        self._constants = constants or Constants.of(compiled)
        self.state = State(compiled)
        self.services = ServiceEngine(compiled)
        self.routers = Routers(compiled, self._constants.topologies)
        self._servers = Servers(self._constants, self.state, self.services)
        self._flowing = Flowing(self._constants, self.state, services=self.services, servers=self._servers)
        # How many leading columns of a block may be taken without anything of its own acting, for physics with a memory.
        self.movers = movers
        self.vetoes: list[Veto] = [mover.quiet for mover in movers]
        self.flows: Flows | None = None
        self.routing: Routing | None = None
        self._routed: Routes | None = None
        self.settles = 0
        self.now = 0.0
        self.p99_s: Floats
        self.utilisation_rs: Floats
        self.link_load: Floats
        self.switch_load: Floats
        self.network_failing: Floats
        self.traffic_bps: Floats
        self.traffic_lost_bps: Floats
        self.unit_va: Floats
        self.unit_peak_va: Floats
        self.facility_w: Floats
        self.it_w: Floats
        self.onsite_w: Floats
        self.cooling_short_w: Floats
        self.outdoor_c: Floats
        self.water_l_per_s: Floats
        self._power_load: Floats
        self._rack_load: Floats | None = None

    def advance(self, seconds: float) -> None:
        """Move the state that moves on its own."""
        self.services.advance(self.flows, seconds)
        for mover in self.movers:
            mover.advance(seconds)

    def steady(self, now: float) -> bool:
        """Settle what lives, what servers offer and where requests go; return whether only loads can change that now."""
        self._settle_state(now)
        return self._at_rest and all(mover.steady(self) for mover in self.movers)

    def settle(self, now: float) -> None:
        """Settle the coupled state for the instant `now` (seconds)."""
        self.block(np.array([now]))

    def block(self, times: Floats, faults: Faults = ()) -> Block:
        """Settle the leading ones of several instants, at least the first; return what was settled.

        The caller vouches that nothing but demand, weather and the server faults `faults[j]` (in force from `times[j]` on;
        those of the first instant are in force already) changes in between, and that all was `steady` at the first. The
        state is that of the last instant settled.
        """
        self._settle_state(float(times[0]))
        if not self._at_rest:
            times = times[:1]
        supplies, keys = self._look_ahead(faults[: len(times)], len(times))
        block = self._flow(times[: len(keys)], keys, supplies)
        taken = max(1, min([len(block), *(veto(block) for veto in self.vetoes)]))
        for first, _ in supplies[::-1]:
            if first >= taken:
                self._take_back(faults[first], [supply for row, supply in supplies if row < first][-1])
        block = block.head(taken)
        self.now = float(block.times[-1])
        self.settles += taken
        last = block.column(-1)
        self._power_load, self._rack_load = last.pop("load"), None
        vars(self).update(last)
        return block

    def _settle_state(self, now: float) -> None:
        state = self.state
        if self.services.believed is None:
            self.routers.forget()
            state.topology_due = True
        if state.topology_due:
            self._settle_topology()
        if state.servers_due or state.topology_due:
            self._settle_servers()
        changed = self.services.update_beliefs(now, frozen=state.control_lost > 0)
        if state.routing_due or changed or self._routed is not self.paths.routes:
            self._routed = self.paths.routes
            believed = self.services.believed
            self.routing = route(
                self.compiled,
                state.weight,
                self.services.able if believed is None else believed,
                self._routed,
            )
        state.topology_due = state.servers_due = state.routing_due = state.demand_due = False

    def _look_ahead(self, faults: Faults, columns: int) -> tuple[list[tuple[int, Supply]], list[Hashable]]:
        """Let the faults of a block happen: what servers offer from which column on, and the key of each column.

        A fault after which a service answers no more, or that a cap must answer, begins another block.
        """
        supplies, state = [(0, self._servers.supply)], self.state
        able = self.services.able
        marks: list[Hashable] = [state.fingerprint()]
        for j in range(1, columns):
            changes = faults[j] if j < len(faults) else ()
            if changes and len(self._servers.capped):
                break
            if changes:
                for change in changes:
                    state.apply(change)
                self._servers.update(self._touched())
                state.servers_due = False
                if not np.array_equal(self.services.able, able):
                    self._take_back(changes, supplies[-1][1])
                    break
                supplies.append((j, self._servers.supply))
            marks.append(state.fingerprint() if changes else marks[-1])
        return supplies, marks

    def _take_back(self, changes: Sequence[Change], supply: Supply) -> None:
        for change in changes:
            self.state.apply(Change(change.kind, change.target, -change.value, change.key))
        self._servers.restore(supply, self._touched())
        self.state.servers_due = False

    def _touched(self) -> Ints:
        groups = np.array(sorted(self.state.touched_groups), dtype=np.int64)
        self.state.touched_groups.clear()
        return groups

    def _flow(self, times: Floats, marks: list[Hashable], supplies: list[tuple[int, Supply]]) -> Block:
        """Services and power; where nothing remembers the past they are a function of state and time, and arms share them."""
        assert self.routing is not None
        if self._shared is None or not self._at_rest:
            return self._flow_alone(times, supplies)
        keys = list(zip(times.tolist(), marks, strict=True))
        found = self._shared.get(keys)
        if found is not None:
            return found.supplied(supplies)
        new = self._shared.unknown(keys)
        known = [row for row in supplies if row[0] < new]
        block = self._flow_alone(times[:new], known)
        if block.quiet:
            self._shared.put(keys, block)
        return block

    def _flow_alone(self, times: Floats, supplies: list[tuple[int, Supply]]) -> Block:
        assert self.routing is not None
        return self._flowing.settle(
            times, self.topology, paths=self.paths, routing=self.routing, supplies=supplies
        )

    @property
    def _at_rest(self) -> bool:
        """Whether neither the services nor the routers remember the past."""
        return self.services.at_rest and self.routers.at_rest

    def _settle_topology(self) -> None:
        state, compiled = self.state, self.compiled
        self.topology = now = self._constants.topologies.of(state)
        self.alive, self.share, self.routes = now.alive, now.share, now.routes
        self.paths = self.routers.paths(now, state)
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
        """Working servers, running replicas and what they cost; where the racks stay, only those that something befell."""
        state, servers = self.state, self._servers
        standing = self.topology, self.rack_ok, self._storage_of_service()
        groups = self._touched()
        afresh = state.cells_due or not self.settles or len(servers.capped)
        if afresh or self.topology.fold is not servers.places.fold:
            servers.settle(*standing)
        else:
            servers.follow(*standing, groups)
        state.cells_due = False

    def _storage_of_service(self) -> Bools:
        storage = self.compiled.services.storage
        return np.where(storage >= 0, np.append(self.storage_ok, True)[storage], True)

    @property
    def supply(self) -> Supply:
        """What the servers offer."""
        return self._servers.supply

    @property
    def capacity_rs(self) -> Floats:
        """Relative resource units that work, per (reservation, site) `[P]`."""
        return self._servers.supply.capacity_rs

    @property
    def group_active(self) -> Floats:
        """Servers that work, per group."""
        return self._servers.working

    @property
    def group_utilisation(self) -> Floats:
        """Utilisation of the working servers of each group: that of its (reservation, site) pair, less under a cap."""
        own = np.minimum(self.utilisation_rs[self.compiled.servers.group_rs], 1.0)
        own[self._servers.capped] *= self._servers.cap_utilisation
        return own

    @property
    def racks(self) -> int:
        """Number of racks."""
        return len(self.compiled.names["racks"])

    @property
    def running(self) -> Floats:
        """Replicas that run (K, S)."""
        return self._servers.supply.running

    @property
    def unit_w(self) -> Floats:
        """Real power that flows into every unit `[W, (U,)]`."""
        return self._power_load[self.compiled.power.unit_node - self.topology.roll_up.graph.shift, W]

    @property
    def load(self) -> Floats:
        """Load of every node of the power chain `[n, 3]`, single racks included (worked out when asked for)."""
        if self._rack_load is None:
            racks = self._servers.rack_loads(self.utilisation_rs)
            rest = self._power_load[self.topology.fold.classes :]
            self._rack_load = np.concatenate([racks, rest])
        return self._rack_load

    @property
    def rack_w(self) -> Floats:
        """What every rack draws `[W, (R,)]`."""
        return self.load[: len(self.rack_ok), W]
