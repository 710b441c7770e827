"""Traffic between sites over a block of instants: what crosses the backbone, what of it is lost, how long it waits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Bools, Floats
from twin.sim.congestion import delivered, waiting
from twin.sim.constants import Constants
from twin.sim.losses import Lost
from twin.sim.network import Routes, backbone_loads, left_bps
from twin.sim.routers import Paths
from twin.sim.routing import Routing, site_traffic
from twin.sim.services import Flows
from twin.sim.sparse import add_up
from twin.sim.state import State


@dataclass(frozen=True)
class Crossing:
    """Load of the backbone links over the instants that were settled `[bit/s, (2, B, T)]`, what is lost, what queues add.

    `lost` is what the backbone loses of requests and calls (None: nothing; else there is but one instant).
    `waiting_s` is what queues add to the round trip between sites `[s, (S, S, T)]` (None: nobody waits); `traffic_bps` and
    `lost_bps` are what the rows of the table `traffic` send and what of that is lost `[bit/s, (rows, T)]`.
    """

    load_bps: Floats
    lost: Lost | None
    waiting_s: Floats | None
    traffic_bps: Floats
    lost_bps: Floats

    def __len__(self) -> int:
        return self.load_bps.shape[-1]

    def head(self, columns: int) -> Crossing:
        """Return the leading instants."""
        waits = None if self.waiting_s is None else self.waiting_s[..., :columns]
        rows = self.traffic_bps[:, :columns], self.lost_bps[:, :columns]
        return Crossing(self.load_bps[..., :columns], self.lost, waits, *rows)


class Backbone:
    """Settles the traffic between sites."""

    def __init__(self, constants: Constants, state: State) -> None:
        self._constants, self._compiled, self._state = constants, constants.compiled, state
        self._backbone = constants.compiled.network.backbone

    def settle(  # noqa: PLR0913
        self, times: Floats, factors: Floats, demand: Floats, *, flows: Flows, routing: Routing, paths: Paths
    ) -> Crossing:
        """Settle the leading instants, as far as no link is full; if the first one has a full link, that one alone."""
        columns, sites = len(flows.requests), len(paths.routes.rtt_s)
        own = self._compiled.traffic.during(times[:columns], factors[:columns])
        lost = own * ~self._joined(paths.routes)[:, None]
        if not self._constants.carries_traffic:
            failing = None
            if paths.reach is not None:
                share = np.broadcast_to(paths.reach, (self._constants.classes, sites, sites))
                failing = self._lose(flows.part(slice(1)), routing, demand[:1], share)
            return Crossing(np.zeros((2, len(self._backbone), columns)), failing, None, own, lost)
        traffic = np.moveaxis(site_traffic(self._compiled, routing, demand[:columns], flows.remote), 0, -1)
        traffic = traffic + self._constants.by_pair.of(own).reshape(traffic.shape)
        load, failing = backbone_loads(paths.live, traffic, len(self._backbone)), None
        over: Bools = np.any(load > self.capacity_bps()[:, None], axis=(0, 1))
        if over.any():
            columns = max(1, int(over.argmax()))
            load, own, lost = load[..., :columns], own[:, :columns], lost[:, :columns]
        if over[0] or paths.reach is not None:
            first = flows.part(slice(1))
            share = self._through(first, routing, demand[:1], own[:, 0], paths=paths)
            failing = self._lose(first, routing, demand[:1], share)
            rows = share.reshape(len(share), -1)[self._constants.traffic_class, self._compiled.traffic.pair]
            lost = np.maximum(lost, own * (1.0 - rows)[:, None])
        return Crossing(load, failing, self._waiting(paths.live, load), own, lost)

    def capacity_bps(self) -> Floats:
        """Capacity of the backbone links that is left `[bit/s, (B,)]`."""
        return left_bps(self._constants.backbone_bps, self._state.bandwidth[self._backbone])

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

    def _lose(self, flows: Flows, routing: Routing, demand: Floats, share: Floats) -> Lost:
        """What crosses the backbone is lost in the share of its class that does not get through."""
        apart = np.arange(len(routing.ingress))[:, None] != self._compiled.site_region
        failing, calls = np.zeros_like(flows.requests), np.zeros_like(flows.arrivals[0])
        for one, through in enumerate(share):
            rows, lost = self._constants.service_class == one, 1.0 - through
            to_site = (routing.ingress @ lost) * apart
            users = demand[:, rows] * routing.spill[rows]
            for part in routing.parts:
                failing[:, rows] += ((users * part.regions) * (part.share[rows] @ to_site.T)).sum(axis=-1)
                if flows.remote.any():
                    on_the_way = (part.share[rows] @ lost.T) * part.sites
                    failing[:, rows] += (flows.remote[:, rows] * on_the_way).sum(axis=-1)
                    calls[rows] += on_the_way * (1.0 - routing.believed[rows])
        return Lost(failing, calls, np.zeros_like(calls))

    def _waiting(self, live: Routes, load: Floats) -> Floats | None:
        return waiting(live, load, self.capacity_bps(), buffer_s=self._constants.backbone_buffer_s)
