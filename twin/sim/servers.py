"""Servers: who works, what that offers, and what is drawn by those that do not.

Servers are counted in tables: working ones by class of racks and bucket, idle and broken ones by class and type. Counts are
whole numbers, so that adding up what changed and counting afresh give the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Bools, Floats, Ints
from twin.sim import power as pw
from twin.sim.constants import Constants
from twin.sim.fold import Fold
from twin.sim.laws.shedding import fill_by_tier
from twin.sim.services import Answer, ServiceEngine
from twin.sim.sparse import Sums, add_up, group_sums
from twin.sim.state import State
from twin.sim.topology import Topology


@dataclass(frozen=True)
class Places:
    """Where the groups stand in the tables: the row (class) and column of each entry, and the entry of each group.

    A column is a bucket (reservation, site, type), or one capped group: `pair`, `kind` and `rru` are those of a column.
    """

    fold: Fold
    columns: Ints
    starts: Ints
    entry: Ints
    pair: Ints
    kind: Ints
    rru: Floats


@dataclass(frozen=True)
class Supply:
    """What the servers offer in one state; never changed, but replaced.

    `working` are the counts of the entries, `standing` those of idle and broken servers `[2, C, types]`.
    """

    working: Floats
    standing: Floats
    capacity_rs: Floats
    inverse_rs: Floats
    static_w: Floats
    static_var: Floats
    running: Floats
    short_rru: Floats
    answer: Answer
    cost_rate: Floats
    embodied_rate: Floats


class Servers:
    """Counts the servers of one run, and says what they offer."""

    def __init__(self, constants: Constants, state: State, services: ServiceEngine) -> None:
        self._constants, self._state, self._services = constants, state, services
        self._compiled = constants.compiled
        self._counts = np.zeros((3, len(self._compiled.servers.group_type)))
        self._plain: Places | None = None
        self.capped = np.zeros(0, dtype=np.int64)
        self.cap_utilisation = np.zeros(0)
        self.places: Places
        self.supply: Supply
        self._need: Floats
        self._switches_w: Floats
        self._installed: tuple[Floats, Floats]
        self._installed_count: Ints

    def settle(self, topology: Topology, rack_ok: Bools, storage_ok: Bools) -> None:
        """Count all servers afresh."""
        self._stand_on(topology, rack_ok, storage_ok)
        servers, state = self._compiled.servers, self._state
        self._counts = self._count(slice(None))
        self._settle_caps()
        self.places = self._find_places(topology.fold)
        classes, kinds = topology.fold.classes, len(servers.type_off_w)
        cell = topology.fold.class_of[servers.group_rack] * kinds + servers.group_type
        working = add_up(self.places.entry, self._counts[0], len(self.places.columns))
        standing = np.stack([add_up(cell, row, classes * kinds) for row in self._counts[1:]])
        wanted = (state.replicas * self._compiled.services.replica_rru[:, None]).ravel()
        self._need = add_up(self._compiled.services.rs.ravel(), wanted, len(servers.rs_site) + 1)[:-1]
        self._installed = self._install()
        self._offer(working, standing.reshape(2, classes, kinds), None, slice(None), slice(None))

    def follow(self, topology: Topology, rack_ok: Bools, storage_ok: Bools, groups: Ints) -> None:
        """Count some groups again, and those of racks that went or came back; not on another fold, nor while one is capped."""
        moved = (topology.rack_powered != self._topology.rack_powered) | (rack_ok != self._rack_ok)
        near, switches_w = np.array_equal(storage_ok, self._storage_ok), self._switches_w
        near &= np.array_equal(topology.routes.label >= 0, self._topology.routes.label >= 0)
        self._stand_on(topology, rack_ok, storage_ok)
        groups = np.union1d(groups, np.flatnonzero(moved[self._compiled.servers.group_rack]))
        self._recount(groups, np.flatnonzero(self._switches_w != switches_w), None if near else slice(None))

    def update(self, groups: Ints) -> None:
        """Count some groups again, after server faults. Not while a rack is capped: caps go by all of a rack."""
        self._recount(groups, np.zeros(0, dtype=np.int64), None)

    def _stand_on(self, topology: Topology, rack_ok: Bools, storage_ok: Bools) -> None:
        self._topology, self._rack_ok, self._storage_ok = topology, rack_ok, storage_ok
        self._switches_w = self._constants.switches_in_racks_w(topology.switch_alive) * topology.rack_powered
        self._switch_w = add_up(topology.fold.class_of, self._switches_w, topology.fold.classes)

    def _recount(self, groups: Ints, racks: Ints, cells: slice | None) -> None:
        """Count some groups again; the switches in `racks` draw otherwise than before."""
        servers, supply = self._compiled.servers, self.supply
        now = self._count(groups)
        more, self._counts[:, groups] = now - self._counts[:, groups], now
        working, standing = supply.working.copy(), supply.standing.copy()
        np.add.at(working, self.places.entry[groups], more[0])
        class_of = self.places.fold.class_of
        rows = class_of[servers.group_rack[groups]]
        touched = np.unique(np.append(rows, class_of[racks]))
        for table, row in zip(standing, more[1:], strict=True):
            np.add.at(table.ravel(), rows * table.shape[1] + servers.group_type[groups], row)
        if not np.array_equal(self._state.count[groups], self._installed_count[groups]):
            self._installed = self._install()
        near = self._constants.cells_of(np.unique(servers.group_rs[groups])) if cells is None else cells
        self._offer(working, standing, supply, touched, near)

    def restore(self, supply: Supply, groups: Ints) -> None:
        """Go back to an earlier supply; `groups` have changed since."""
        self._counts[:, groups] = self._count(groups)
        self.supply = supply
        self._services.restore(supply.answer)

    def _offer(
        self,
        working: Floats,
        standing: Floats,
        before: Supply | None,
        rows: slice | Ints,
        cells: slice | Ints,
    ) -> None:
        """Say what the servers offer; but for some classes of racks and some cells of services it is as before."""
        servers, places = self._compiled.servers, self.places
        offered = add_up(places.columns, working, len(places.pair)) * places.rru
        capacity = add_up(places.pair, offered, len(servers.rs_site))
        inverse = np.divide(1.0, capacity, out=np.zeros_like(capacity), where=capacity > 0)
        watts = standing[0, rows] * servers.type_watts[:, 0] + standing[1, rows] * servers.type_off_w
        static_w, static_var = self._switch_w.copy(), np.zeros_like(self._switch_w)
        if before is not None:
            static_w[:], static_var[:] = before.static_w, before.static_var
        static_w[rows] = watts.sum(axis=1) + self._switch_w[rows]
        static_var[rows] = (watts * servers.type_tan_phi).sum(axis=1)
        running, short = self._replicas(capacity, cells, before)
        self._services.set_capacity(running, self._topology.routes.label >= 0, self._storage_ok, cells)
        self.supply = Supply(
            working,
            standing,
            capacity,
            inverse,
            static_w,
            static_var,
            running,
            short,
            self._services.answer,
            *self._installed,
        )

    def _install(self) -> tuple[Floats, Floats]:
        """What installed servers cost `[USD/s, (S,)]` and embody `[kg/s, (S,)]`; faults change neither."""
        servers, self._installed_count = self._compiled.servers, self._state.count.copy()
        by_site, kind, count = self._constants.by_site, servers.group_type, self._installed_count
        return (
            by_site.of(servers.type_cost_per_s[kind] * count),
            by_site.of(servers.type_embodied_per_s[kind] * count),
        )

    def _replicas(
        self, capacity: Floats, cells: slice | Ints, before: Supply | None
    ) -> tuple[Floats, Floats]:
        """Replicas that run and are short: what is wanted in each cell, as far as the servers of the reservation go."""
        state, services, need = self._state, self._compiled.services, self._need
        running = np.zeros_like(state.replicas) if before is None else before.running.copy()
        short = np.zeros_like(state.replicas) if before is None else before.short_rru.copy()
        fill = np.minimum(1.0, np.divide(capacity, need, out=np.ones_like(need), where=need > 0))
        row, pair = self._constants.service_of_cell[cells], services.rs.ravel()[cells]
        fill = np.append(fill, 0.0)[pair]
        healthy = np.clip(1.0 - state.sick, 0.0, 1.0)[row]
        replicas = state.replicas.ravel()[cells]
        by_tier = self._compiled.stress.by_tier[row]
        if by_tier.any():
            wanted = replicas * services.replica_rru[row]
            ranked = fill_by_tier(wanted, services.tier[row], pair, np.append(capacity, 0.0))
            fill = np.where(by_tier, ranked, fill)
        some = replicas * fill * healthy * (state.boot.ravel()[cells] >= 0)
        running.ravel()[cells] = some
        short.ravel()[cells] = (replicas - some) * services.replica_rru[row]
        return running, short

    def _count(self, groups: slice | Ints) -> Floats:
        """Working, idle and broken servers of some groups `[3, n]`."""
        state, rack = self._state, self._compiled.servers.group_rack[groups]
        healthy = np.maximum(state.count[groups] - state.failed[groups], 0)
        on = self._topology.rack_powered[rack]
        powered = np.where(on, healthy, 0)
        working = np.where(self._rack_ok[rack], powered, 0)
        broken = np.where(on, state.count[groups] - healthy, 0)
        return np.stack([working, powered - working, broken]).astype(np.float64)

    def _settle_caps(self) -> None:
        """A capped rack gives its servers equal parts of nameplate: their utilisation stops where the power would pass it.

        Throttled servers lose a share of their top speed; the lower of the two ceilings counts.
        """
        servers, state = self._compiled.servers, self._state
        rack, racks = servers.group_rack, len(state.cap_w)
        limited = np.isfinite(state.cap_w)
        slowed = limited | (state.slow > 0)
        self.capped = np.flatnonzero(slowed[rack]) if slowed.any() else np.zeros(0, dtype=np.int64)
        if not len(self.capped):
            self.cap_utilisation = np.zeros(0)
            return
        full = servers.type_watts[servers.group_type, -1]
        nameplate = add_up(rack, full * self._counts[0], racks)
        scale = np.divide(state.cap_w, nameplate, out=np.ones(racks), where=limited & (nameplate > 0))
        self.cap_utilisation = np.array(
            [
                pw.utilisation_at_watts(servers, int(servers.group_type[g]), float(scale[rack[g]] * full[g]))
                for g in self.capped
            ]
        )
        ceiling = np.clip(1.0 - state.slow[rack[self.capped]], 0.0, 1.0)
        np.minimum(self.cap_utilisation, ceiling, out=self.cap_utilisation)

    def _find_places(self, fold: Fold) -> Places:
        if not len(self.capped) and self._plain is not None and self._plain.fold is fold:
            return self._plain
        servers, capped = self._compiled.servers, self.capped
        column = servers.group_bucket.copy()
        column[capped] = len(servers.bucket_rs) + np.arange(len(capped))
        width = len(servers.bucket_rs) + len(capped)
        keys, entry = np.unique(
            fold.class_of[servers.group_rack] * max(1, width) + column, return_inverse=True
        )
        starts = np.searchsorted(keys, np.arange(fold.classes + 1) * max(1, width))
        kind = np.append(servers.bucket_type, servers.group_type[capped])
        rru = np.append(servers.bucket_rru, servers.group_rru[capped])
        rru[len(servers.bucket_rs) :] *= self.cap_utilisation if len(capped) else 1.0
        pair = np.append(servers.bucket_rs, servers.group_rs[capped])
        places = Places(fold, keys % max(1, width), starts, entry, pair, kind, rru)
        if not len(capped):
            self._plain = places
        return places

    @property
    def working(self) -> Floats:
        """Servers that work, per group."""
        return self._counts[0]

    def sums(self, supply: Supply) -> Sums:
        """The sums of what one server of each column does to the classes of racks."""
        places = self.places
        return Sums(supply.working, places.columns, places.starts, len(places.pair))

    def each(self, utilisation_rs: Floats) -> Floats:
        """Load and squares `[n, 4, T]` of one server of each column at utilisations of (reservation, site) pairs `[P, T]`."""
        servers, places = self._compiled.servers, self.places
        utilisation = utilisation_rs[places.pair]
        if len(self.capped):
            own = utilisation[len(servers.bucket_rs) :]
            own[:] = np.minimum(own, 1.0) * self.cap_utilisation[:, None]
        out = np.empty((len(places.pair), 4, utilisation.shape[1]))
        pw.loads_into(servers, pw.server_watts(servers, utilisation, places.kind), places.kind, out)
        return out

    def rack_loads(self, utilisation_rs: Floats) -> Floats:
        """Load `[R, 3]` of every rack at one instant: only who looks at single racks needs it."""
        servers = self._compiled.servers
        each = self.each(utilisation_rs[:, None])[:, :3, 0]
        kind = servers.group_type
        column = self.places.columns[self.places.entry]
        groups = each[column] * self._counts[0][:, None]
        static = self._counts[1] * servers.type_watts[kind, 0] + self._counts[2] * servers.type_off_w[kind]
        groups[:, pw.W] += static
        groups[:, pw.VAR] += static * servers.type_tan_phi[kind]
        racks = group_sums(servers.group_rack, len(self._rack_ok)).of(groups)
        racks[:, pw.W] += self._switches_w
        return racks
