"""Traffic between sites over a block of instants: what crosses the backbone, what of it is lost, how long it waits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from twin.graph.levels import Bools, Floats
from twin.sim.calls import call_levels
from twin.sim.congestion import delivered, waiting
from twin.sim.constants import Constants
from twin.sim.network import Routes, backbone_loads
from twin.sim.routers import Paths
from twin.sim.routing import Routing, mean_to_users, site_traffic
from twin.sim.services import Flows
from twin.sim.sparse import add_up
from twin.sim.state import State


@dataclass(frozen=True)
class Crossing:
    """Flows of the services (what is lost counts as errors), load of the backbone links `[bit/s, (2, B, T)]`, what queues add.

    `failing` is the share of the requests of each service that fail for the network `[1, (K, T)]`.
    `waiting_s` is the mean that users of a region wait longer `[s, (T, K, G)]` (0: nobody); `traffic_bps` and `lost_bps`
    are what the rows of the table `traffic` send and what of that is lost `[bit/s, (rows, T)]`.
    """

    flows: Flows
    failing: Floats
    load_bps: Floats
    waiting_s: Floats | float
    traffic_bps: Floats
    lost_bps: Floats


class Backbone:
    """Settles the traffic between sites."""

    def __init__(self, constants: Constants, state: State) -> None:
        self._constants, self._compiled, self._state = constants, constants.compiled, state
        self._backbone = constants.compiled.network.backbone
        self._levels = call_levels(constants.compiled.services)

    def settle(  # noqa: PLR0913
        self, times: Floats, factors: Floats, demand: Floats, *, flows: Flows, routing: Routing, paths: Paths
    ) -> Crossing:
        """Settle the leading instants, as far as no link is full; if the first one has a full link, that one alone."""
        columns, sites = len(flows.requests), len(paths.routes.rtt_s)
        demand = demand[:columns]
        own = self._compiled.traffic.during(times[:columns], factors[:columns])
        lost = own * ~self._joined(paths.routes)[:, None]
        failing = np.zeros((demand.shape[1], columns))
        if not self._constants.carries_traffic:
            if paths.reach is not None:
                share = np.broadcast_to(paths.reach, (self._constants.classes, sites, sites))
                flows, failing = self._lose(flows, routing, demand, share)
            return Crossing(flows, failing, np.zeros((2, len(self._backbone), columns)), 0.0, own, lost)
        traffic = np.moveaxis(site_traffic(self._compiled, routing, demand, flows.remote), 0, -1)
        traffic = traffic + self._constants.by_pair.of(own).reshape(traffic.shape)
        load = backbone_loads(paths.live, traffic, len(self._backbone))
        capacity = self.capacity_bps()
        over: Bools = np.any(load > capacity[:, None], axis=(0, 1))
        if over.any():
            columns = max(1, int(over.argmax()))
            flows, load, own, lost = (
                flows.part(slice(columns)),
                load[..., :columns],
                own[:, :columns],
                lost[:, :columns],
            )
        if over[0] or paths.reach is not None:
            share = self._through(flows, routing, demand[:1], own[:, 0], paths=paths)
            flows, failing = self._lose(flows, routing, demand[:1], share)
            rows = share.reshape(len(share), -1)[self._constants.traffic_class, self._compiled.traffic.pair]
            lost = np.maximum(lost, own * (1.0 - rows)[:, None])
        return Crossing(
            flows, failing[:, :columns], load, self._waiting(paths.live, routing, load, capacity), own, lost
        )

    def capacity_bps(self) -> Floats:
        """Capacity of the backbone links that is left `[bit/s, (B,)]`."""
        left, whole = self._state.bandwidth[self._backbone], self._constants.backbone_bps
        return np.multiply(whole, np.minimum(left, 1.0), out=np.zeros_like(whole), where=left > 0)

    def _joined(self, routes: Routes) -> Bools:
        """Which rows of traffic have a way at all."""
        source, target = np.divmod(self._compiled.traffic.pair, max(1, len(routes.label)))
        return (routes.label[source] == routes.label[target]) & (routes.label[source] >= 0)

    def _through(
        self, flows: Flows, routing: Routing, demand: Floats, own_bps: Floats, *, paths: Paths
    ) -> Floats:
        """Share of each class between each pair of sites that gets through at one instant `[1, (C, S, S)]`."""
        constants, rows = self._constants, self._compiled.traffic
        shape = len(paths.routes.rtt_s), len(paths.routes.rtt_s)
        offered = np.empty((constants.classes, *shape))
        for one in range(constants.classes):
            of = constants.service_class == one
            mine = np.where(constants.traffic_class == one, own_bps, 0.0)
            offered[one] = site_traffic(self._compiled, routing, demand, flows.remote, of)[0]
            offered[one] += add_up(rows.pair, mine, shape[0] * shape[1]).reshape(shape)
        share = delivered(paths.live, offered, self.capacity_bps())
        return share if paths.reach is None else share * paths.reach

    def _lose(self, flows: Flows, routing: Routing, demand: Floats, share: Floats) -> tuple[Flows, Floats]:
        """Requests that cross the backbone are lost in the share of their class that does not get through.

        Who makes a call that is lost fails as well. Returns the flows and the share of each service that fails `[K, 1]`.
        """
        apart = np.arange(len(routing.ingress))[:, None] != self._compiled.site_region
        failing = np.zeros_like(flows.requests)
        calls_lost = np.zeros_like(flows.arrivals[0])
        for one, through in enumerate(share):
            rows, lost = self._constants.service_class == one, 1.0 - through
            to_site = (routing.ingress @ lost) * apart
            users = demand[:, rows] * routing.spill[rows]
            for part in routing.parts:
                failing[:, rows] += ((users * part.regions) * (part.share[rows] @ to_site.T)).sum(axis=-1)
                if flows.remote.any():
                    on_the_way = (part.share[rows] @ lost.T) * part.sites
                    failing[:, rows] += (flows.remote[:, rows] * on_the_way).sum(axis=-1)
                    calls_lost[rows] += on_the_way * (1.0 - routing.believed[rows])
        ratio = np.divide(failing, flows.requests, out=np.zeros_like(failing), where=flows.requests > 0)
        through = 1.0 - np.minimum(ratio, 1.0)
        if calls_lost.any():
            through *= 1.0 - self._without_an_answer(flows.arrivals[0], calls_lost, routing.believed)
        left = (flows.requests - flows.errors) * through
        return replace(flows, errors=flows.requests - left), 1.0 - through.T

    def _without_an_answer(self, arrivals: Floats, calls_lost: Floats, believed: Floats) -> Floats:
        """Share of the requests of each service `[K]` that fail for a lost call of theirs, or of what they call.

        `calls_lost` `[K, S]` is the share of the calls made to a service at a site that the network loses. Calls fail
        independently: of n calls that are each lost with e none is with (1 - e)^n; a fraction of a call is one that only
        this share of the requests makes.
        """
        fails, total = np.zeros_like(arrivals), arrivals.sum(axis=1)
        for level in reversed(self._levels):
            rows = level.rows
            mean = _mean(fails[rows], arrivals[rows], total[rows])
            there = np.where(believed[rows] > 0, fails[rows], mean[:, None])
            lost = 1.0 - (1.0 - there) * (1.0 - calls_lost[rows])
            each, whole = lost[level.edge_callee], np.floor(level.edge_calls)
            survive = (1.0 - each) ** whole * (1.0 - (level.edge_calls - whole) * each)
            survive = np.multiply.reduceat(survive, level.caller_starts, axis=0)
            fails[level.callers] = 1.0 - (1.0 - fails[level.callers]) * survive
        return _mean(fails, arrivals, total)

    def _waiting(self, live: Routes, routing: Routing, load: Floats, capacity: Floats) -> Floats | float:
        """What queues add to the round trip of a region's users `[s, (T, K, G)]`."""
        extra = waiting(live, load, capacity, buffer_s=self._constants.backbone_buffer_s)
        if extra is None:
            return 0.0
        region = self._compiled.site_region
        return np.stack(
            [mean_to_users(routing.parts, routing.ingress, one, region) for one in np.moveaxis(extra, -1, 0)]
        )


def _mean(values: Floats, weights: Floats, total: Floats) -> Floats:
    return np.divide((values * weights).sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
