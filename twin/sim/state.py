"""The cells of state that changes touch; nothing here is computed, everything else follows at the settle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from twin.graph.compile import Compiled
from twin.model.change import Change

NOTHING = 1e-12  # what is left of a sum when all of it was undone
HOLD_KINDS = ("power_units", "cooling_plants", "racks", "switches", "links")


class State:
    """Mutable state of one run. `apply` changes cells and marks which parts of the settle are due."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        sizes = {kind: len(names) for kind, names in compiled.names.items()}
        self.holds = {kind: np.zeros(sizes[kind], dtype=np.int64) for kind in HOLD_KINDS}
        self.drained = np.zeros(sizes["racks"], dtype=np.int64)
        self.cap_w = np.full(sizes["racks"], np.inf)
        self.slow = np.zeros(sizes["racks"])
        self.ride = np.zeros(sizes["power_units"], dtype=np.int64)
        self.feed_holds = compiled.power.open_edge.astype(np.int64)
        self.inject_w = np.zeros(sizes["power_units"])
        self.draw = np.ones(sizes["power_units"])
        self.bandwidth = np.ones(sizes["links"])
        self.metric_s = np.zeros(sizes["links"])
        self.retries = compiled.services.retries.astype(np.float64)
        self.retry_budget = compiled.services.retry_budget.copy()
        self.shed = np.zeros((sizes["services"], sizes["sites"]))
        self.told = 0
        self.heard = {kind: np.zeros(sizes[kind], dtype=np.int64) for kind in ("switches", "links")}
        self.setpoint_k: dict[str, float] = {}
        self.faults: dict[tuple[str, str], float] = {}
        self.count = compiled.servers.group_count.copy()
        self.failed = np.zeros(sizes["server_groups"], dtype=np.int64)
        self.replicas = compiled.services.replicas.copy()
        self.boot = np.zeros((sizes["services"], sizes["sites"]), dtype=np.int64)
        self.weight = compiled.services.weight.copy()
        self.sick = np.zeros(sizes["services"])
        self.surge = np.zeros((sizes["services"], sizes["regions"]))
        self.warmer_c = np.zeros(sizes["sites"])
        self.control_lost = 0
        self.controllers_lost = np.zeros(sizes["switches"], dtype=np.int64)
        self.touched_groups: set[int] = set()
        self._net: dict[tuple[str, str, str], float] = {}
        self._caps: dict[str, dict[str, float]] = {}
        self._begun: dict[tuple[str, str, str], float] = {}
        self._differs: dict[tuple[str, str, str], float] = {}
        self.cells_due = True
        self.topology_due = self.servers_due = self.routing_due = self.demand_due = True
        self._apply: dict[str, Callable[[Change], None]] = {
            "state": self._hold,
            "drain": self._drain,
            "count": self._count,
            "failed": self._failed,
            "cap": self._cap,
            "replicas": self._replicas,
            "boot": self._boot,
            "weight": self._weight,
            "sick": self._sick,
            "demand": self._demand,
            "outdoor": self._outdoor,
            "control": self._control,
            "ride": self._ride,
            "feed": self._feed,
            "inject": self._inject,
            "draw": self._draw,
            "slow": self._slow,
            "setpoint": self._setpoint,
            "fault": self._fault,
            "bandwidth": self._bandwidth,
            "shed": self._shed,
            "retries": self._retries,
            "budget": self._budget,
            "route": self._route,
            "metric": self._metric,
        }

    def apply(self, change: Change) -> None:
        """Apply one change; raise KeyError when it names an unknown thing."""
        cell = (change.kind, change.target, change.key)
        none = np.inf if change.kind == "cap" else 0.0
        net = change.value if change.kind == "cap" else self._net.get(cell, 0.0) + change.value
        if net == none or abs(net) < NOTHING:
            net = none
            self._net.pop(cell, None)
        else:
            self._net[cell] = net
        if net == self._begun.get(cell, none):
            self._differs.pop(cell, None)
        else:
            self._differs[cell] = net
        self._apply[change.kind](change)

    def begin(self) -> None:
        """From here on the present state is that in which a run begins."""
        self._begun = dict(self._net)
        self._differs.clear()

    def fingerprint(self) -> frozenset[tuple[tuple[str, str, str], float]]:
        """Return what differs from the state in which a run begins; equal fingerprints are equal states."""
        return frozenset(self._differs.items())

    def up(self, kind: str) -> np.ndarray:
        """Own state of the things of a kind: nobody holds them down."""
        return self.holds[kind] == 0

    def _at(self, kind: str, name: str) -> int:
        return self._compiled.index[kind][name]

    def _held(self, name: str) -> tuple[str, int]:
        """(kind, index) of a thing that can be held down."""
        for kind in HOLD_KINDS:
            found = self._compiled.index[kind].get(name)
            if found is not None:
                return kind, found
        raise KeyError(name)

    def _sum(self, change: Change) -> float:
        """The sum of all changes of this cell: what is undone leaves no rounding behind."""
        return self._net.get((change.kind, change.target, change.key), 0.0)

    def _hold(self, change: Change) -> None:
        kind, i = self._held(change.target)
        self.holds[kind][i] -= round(change.value)
        self.topology_due = True

    def _ride(self, change: Change) -> None:
        self.ride[self._at("power_units", change.target)] += round(change.value)
        self.topology_due = True

    def _feed(self, change: Change) -> None:
        kind, i = self._held(change.target)
        power, levels = self._compiled.power, self._compiled.power.levels
        nodes = {"power_units": power.unit_node, "cooling_plants": power.plant_node, "racks": power.rack_node}
        feeder = power.unit_node[self._at("power_units", change.key)]
        # In parent order the parents rise: only the feeds of this one are looked at.
        first, last = np.searchsorted(levels.parent, [feeder, feeder + 1], sorter=levels.to_parent)
        fed = levels.to_parent[first:last]
        edge = fed[levels.child[fed] == nodes[kind][i]]
        if not len(edge):
            raise KeyError(f"{change.key} does not feed {change.target}")
        self.feed_holds[edge] -= round(change.value)
        self.topology_due = True

    def _inject(self, change: Change) -> None:
        self.inject_w[self._at("power_units", change.target)] = self._sum(change)

    def _draw(self, change: Change) -> None:
        self.draw[self._at("power_units", change.target)] = 1.0 + self._sum(change)
        self.topology_due = True

    def _slow(self, change: Change) -> None:
        self.slow[self._at("racks", change.target)] = self._sum(change)
        self.cells_due = self.servers_due = True

    def _setpoint(self, change: Change) -> None:
        self.setpoint_k[change.target] = self._sum(change)

    def _fault(self, change: Change) -> None:
        self.faults[change.target, change.key] = self._sum(change)

    def _bandwidth(self, change: Change) -> None:
        self.bandwidth[self._at("links", change.target)] = 1.0 + self._sum(change)

    def _shed(self, change: Change) -> None:
        columns = slice(None) if change.key in ("*", "") else self._at("sites", change.key)
        self.shed[self._at("services", change.target), columns] += change.value

    def _route(self, change: Change) -> None:
        if change.target == "*":
            self.told += round(change.value)
        else:
            kind, i = self._held(change.target)
            self.heard[kind][i] += round(change.value)
        self.topology_due = True

    def _metric(self, change: Change) -> None:
        self.metric_s[self._at("links", change.target)] = self._sum(change)
        self.topology_due = True

    def _retries(self, change: Change) -> None:
        service = self._at("services", change.target)
        self.retries[service] = self._compiled.services.retries[service] + self._sum(change)

    def _budget(self, change: Change) -> None:
        service = self._at("services", change.target)
        self.retry_budget[service] = self._compiled.services.retry_budget[service] + self._sum(change)

    def _drain(self, change: Change) -> None:
        self.drained[self._at("racks", change.target)] -= round(change.value)
        self.topology_due = True

    def _count(self, change: Change) -> None:
        group = self._at("server_groups", change.target)
        self.count[group] += round(change.value)
        self.touched_groups.add(group)
        self.servers_due = True

    def _failed(self, change: Change) -> None:
        group = self._at("server_groups", change.target)
        self.failed[group] += round(change.value)
        self.touched_groups.add(group)
        self.servers_due = True

    def _cap(self, change: Change) -> None:
        rack = self._at("racks", change.target)
        caps = self._caps.setdefault(change.target, {})
        if change.value == np.inf:
            caps.pop(change.key, None)
        else:
            caps[change.key] = change.value
        self.cap_w[rack] = min(caps.values(), default=np.inf)
        self.cells_due = True
        self.servers_due = True

    def _replicas(self, change: Change) -> None:
        self.replicas[self._at("services", change.target), self._at("sites", change.key)] += change.value
        self.cells_due = True
        self.servers_due = True

    def _boot(self, change: Change) -> None:
        self.boot[self._at("services", change.target), self._at("sites", change.key)] += round(change.value)
        self.cells_due = True
        self.servers_due = True

    def _weight(self, change: Change) -> None:
        cell = self._at("services", change.target), self._at("sites", change.key)
        self.weight[cell] = self._compiled.services.weight[cell] + self._sum(change)
        self.routing_due = True

    def _sick(self, change: Change) -> None:
        self.sick[self._at("services", change.target)] += change.value
        self.cells_due = True
        self.servers_due = True

    def _demand(self, change: Change) -> None:
        rows = slice(None) if change.target == "*" else self._at("services", change.target)
        columns = slice(None) if change.key in ("*", "") else self._at("regions", change.key)
        self.surge[rows, columns] += change.value
        self.demand_due = True

    def _outdoor(self, change: Change) -> None:
        self.warmer_c[self._at("sites", change.target)] += change.value
        self.demand_due = True

    def _control(self, change: Change) -> None:
        if change.target:
            network, site = self._compiled.network, self._compiled.index["sites"].get(change.target)
            borders = network.switch_is_border & (network.switch_site == site)
            rows = self._at("switches", change.target) if site is None else borders
            self.controllers_lost[rows] -= round(change.value)
            return
        self.control_lost -= round(change.value)
        self.routing_due = True
