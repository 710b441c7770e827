"""Services, traffic and power of a block of instants: what follows from the state while it stands still.

One instant is a block of one. Every sum adds in an order that does not depend on the number of instants: over sites along
the contiguous axis, over racks and edges by compressed rows, products of matrices one instant at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from twin.graph.levels import Floats, Ints
from twin.sim import network as net
from twin.sim import power as pw
from twin.sim.backbone import Backbone, Crossing
from twin.sim.block import Block
from twin.sim.callers import Callers
from twin.sim.calls import call_levels
from twin.sim.constants import Constants
from twin.sim.cooling import weather_at
from twin.sim.fabric import Fabric
from twin.sim.losses import Lost, fail
from twin.sim.routers import Paths
from twin.sim.routing import Routing
from twin.sim.servers import Servers, Supply
from twin.sim.services import Answer, Flows, ServiceEngine
from twin.sim.state import State
from twin.sim.topology import Topology
from twin.sim.trips import Trips

Supplies = Sequence[tuple[int, Supply]]


@dataclass(frozen=True)
class _Loads:
    """What servers and links carry over a block, time last: see `Block`; `leaves` are those of `Flowing._leaves`."""

    utilisation: Floats
    leaves: Floats
    link_bps: Floats
    switch_bps: Floats
    supplies: tuple[tuple[int, Supply], ...]

    def head(self, columns: int) -> _Loads:
        """Return the leading instants."""
        return _Loads(
            self.utilisation[:, :columns],
            self.leaves[..., :columns],
            self.link_bps[:, :columns],
            self.switch_bps[:, :columns],
            tuple(row for row in self.supplies if row[0] < columns),
        )


class Flowing:
    """Settles blocks on one state of topology and routing."""

    def __init__(
        self, constants: Constants, state: State, *, services: ServiceEngine, servers: Servers
    ) -> None:
        self._constants, self._compiled, self._state = constants, constants.compiled, state
        self._services, self._servers = services, servers
        self._backbone = Backbone(constants, state)
        self._fabric = Fabric(constants, state, servers)
        self._levels = call_levels(self._compiled.services)
        self._callers = Callers.of(self._compiled)

    def settle(
        self, times: Floats, topology: Topology, *, paths: Paths, routing: Routing, supplies: Supplies
    ) -> Block:
        """Settle the leading instants of `times` that have no memory; if the first one has, that one alone."""
        self._topology = topology
        factors = self._compiled.demand.factors(times[:, None])
        demand = self._compiled.demand.during(times, factors)
        if self._state.surge.any():
            demand *= np.maximum(1.0 + self._state.surge, 0.0)
        flows = self._services.flows(routing, demand, _answers(supplies, len(times)), self._state)
        crossing = self._backbone.settle(times, factors, demand, flows=flows, routing=routing, paths=paths)
        loads = self._loads(flows, crossing, supplies)
        full = self._fabric.first_full(loads.link_bps)
        if full is not None:
            loads, crossing = loads.head(max(1, full)), crossing.head(max(1, full))
        columns = slice(len(crossing))
        flows, failing = self._lose(flows.part(columns), crossing, loads, routing, full == 0)
        waits = self._fabric.waiting(loads.link_bps, topology, loads.supplies)
        trips = Trips(paths.routes.rtt_s, crossing.waiting_s, waits)
        flows = self._with_callees(flows, routing, trips)
        on_the_way = trips.of_users(routing, demand[columns], flows.arrivals, self._compiled.site_region)
        return Block(
            times=times[columns],
            flows=flows,
            p99_s=(flows.p99_s + on_the_way).T,
            utilisation_rs=loads.utilisation,
            link_load=loads.link_bps,
            switch_load=loads.switch_bps,
            network_failing=failing,
            traffic_bps=crossing.traffic_bps,
            traffic_lost_bps=crossing.lost_bps,
            **self._power(loads.leaves, factors[columns], loads.supplies),
            supplies=loads.supplies,
        )

    def _loads(self, flows: Flows, crossing: Crossing, supplies: Supplies) -> _Loads:
        columns = len(crossing)
        supplies = tuple(row for row in supplies if row[0] < columns)
        inverse = _stacked([supply.inverse_rs for _, supply in supplies], supplies, columns)
        passed = np.ascontiguousarray(flows.passed[:columns].reshape(columns, -1).T)
        utilisation = self._constants.busy.of(passed) * inverse
        leaves = self._leaves(utilisation, self._constants.bits.of(passed) * inverse, supplies)
        fabric = self._in_the_fabric(leaves[:, pw.SQUARES + 1], crossing.load_bps)
        return _Loads(utilisation, leaves, *fabric, supplies)

    def _lose(
        self, flows: Flows, crossing: Crossing, loads: _Loads, routing: Routing, full: bool
    ) -> tuple[Flows, Floats]:
        """Count what the network loses; return the flows, and the share of each service that fails for it `[1, (K, T)]`.

        `full` says that a link inside a site is full at the first instant, which is then the only one.
        """
        lost = crossing.lost
        if full:
            answers = self._fabric.lost(flows, self._topology, loads.supplies[0][1], loads.link_bps[:, 0])
            lost = replace(lost or Lost.nothing(flows), answers=answers)
        if lost is None:
            return flows, np.zeros(flows.requests.shape[::-1])
        return fail(self._levels, flows, lost, routing.believed)

    def _with_callees(self, flows: Flows, routing: Routing, trips: Trips) -> Flows:
        if self._callers is None or flows.worst is None:
            return flows
        answering = self._services.answering(flows)
        p99_s = self._callers.p99_s(flows.worst, answering, routing, trips)
        return replace(flows, p99_s=p99_s, worst=None)

    def _leaves(self, utilisation: Floats, bits_rs: Floats, supplies: Supplies) -> Floats:
        """Load, squares and traffic `[C, 5, T]` of the classes of racks; counts change where servers break."""
        places, columns = self._servers.places, utilisation.shape[1]
        each = np.empty((len(places.pair), 5, columns))
        each[:, :4] = self._servers.each(utilisation)
        each[:, 4] = bits_rs[places.pair] * places.rru[:, None]
        out = np.empty((places.fold.classes, 5, columns))
        if len(supplies) == 1:
            self._servers.sums(supplies[0][1]).into(each, out)
        else:
            lasts = [first for first, _ in supplies[1:]] + [columns]
            for (first, supply), last in zip(supplies, lasts, strict=True):
                out[..., first:last] = self._servers.sums(supply).of(each[..., first:last])
        out[:, pw.W] += _stacked([supply.static_w for _, supply in supplies], supplies, columns)
        out[:, pw.VAR] += _stacked([supply.static_var for _, supply in supplies], supplies, columns)
        return out

    def _in_the_fabric(self, class_bps: Floats, both: Floats) -> tuple[Floats, Floats]:
        """Load of every link and every switch `[bit/s, (L, T) and (W, T)]`."""
        network, names = self._compiled.network, self._compiled.names
        columns = class_bps.shape[1]
        switch_load = np.zeros((len(names["switches"]), columns))
        link_load = np.zeros((len(names["links"]), columns))
        if not self._constants.carries_traffic:
            return link_load, switch_load
        if len(network.levels.child):
            switch_load, link_load = net.fabric_loads(
                network, class_bps, self._topology.link_share, self._topology.fabric
            )
        link_load[network.backbone] = np.maximum(both[0], both[1])
        return link_load, switch_load

    def _power(self, leaves: Floats, factors: Floats, supplies: Supplies) -> dict[str, Floats]:
        power, constants, topology = self._compiled.power, self._constants, self._topology
        graph, columns = topology.roll_up.graph, leaves.shape[2]
        load, squares = np.zeros((graph.size, 3, columns)), np.zeros((graph.size, columns))
        load[: len(leaves)], squares[: len(leaves)] = leaves[:, :3], leaves[:, pw.SQUARES]
        it_w = topology.fold.by_site.of(leaves[:, pw.W])
        cooling = self._load_plants(load, leaves[:, pw.W], factors)
        load[constants.fed_node - graph.shift, pw.W] = (
            constants.fed_w * topology.switch_alive[constants.fed_switch]
        )[:, None]
        topology.roll_up.fill(power, load, squares, topology.alive, inject_w=self._state.inject_w)
        # All nodes above the leaves are units, in the order of their levels.
        first = int(power.unit_node.min(initial=graph.size + graph.shift)) - graph.shift
        order = power.unit_node - graph.shift - first
        unit_va, unit_peak_va = (va[order] for va in pw.apparent(load[first:], squares[first:]))
        return {
            "load": load,
            "unit_va": unit_va,
            "unit_peak_va": unit_peak_va,
            "onsite_w": self._onsite(load),
            "facility_w": constants.sources.of(load[constants.source_node - graph.shift, pw.W]),
            "it_w": it_w,
            **cooling,
        }

    def _onsite(self, load: Floats) -> Floats:
        """What batteries and the sun give at each site, less what charges batteries `[W, (S, T)]`."""
        power, state, topology = self._compiled.power, self._state, self._topology
        lives = topology.alive[power.unit_node]
        given, rest = -state.inject_w * lives, (1.0 - state.draw) * lives
        if not (given.any() or rest.any()):
            return np.zeros((len(self._compiled.names["sites"]), load.shape[2]))
        through = load[power.unit_node - topology.roll_up.graph.shift, pw.W]
        return self._constants.units.of(through * rest[:, None] + given[:, None])

    def _load_plants(self, load: Floats, leaves_w: Floats, factors: Floats) -> dict[str, Floats]:
        power, cooling, state = self._compiled.power, self._constants.cooling, self._state
        weather = weather_at(self._compiled.demand, factors, state.warmer_c)
        if not len(power.plant_node):
            nothing = np.zeros_like(weather.dry_c)
            return {"cooling_short_w": nothing, "outdoor_c": weather.now_c, "water_l_per_s": nothing}
        found = cooling.load(
            self._topology.fold.by_circuit.of(leaves_w),
            weather,
            cooling.supply_k(state.setpoint_k),
            self._topology.plant_alive,
        )
        node = power.plant_node - self._topology.roll_up.graph.shift
        load[node, pw.W] = found.power_w
        load[node, pw.VAR] = found.power_w * power.plant_tan_phi[:, None]
        return {
            "cooling_short_w": found.short_w,
            "outdoor_c": weather.now_c,
            "water_l_per_s": found.water_l_per_s,
        }


def _answers(supplies: Supplies, columns: int) -> Answer:
    """What services can take at each instant; one capacity for all of them where no server breaks."""
    answer = supplies[0][1].answer
    if len(supplies) == 1:
        return answer
    rows = np.repeat(np.arange(len(supplies)), _lengths(supplies, columns))
    answers = [supply.answer for _, supply in supplies]
    return Answer(
        answer.able,
        np.stack([one.capacity for one in answers])[rows],
        np.stack([one.inverse for one in answers])[rows],
    )


def _stacked(values: Sequence[Floats], supplies: Supplies, columns: int) -> Floats:
    """Values of each supply as columns `[n, T]`, or `[n, 1]` where there is but one."""
    if len(values) == 1:
        return values[0][:, None]
    return np.repeat(np.stack(values, axis=1), _lengths(supplies, columns), axis=1)


def _lengths(supplies: Supplies, columns: int) -> Ints:
    return np.diff([first for first, _ in supplies], append=columns)
