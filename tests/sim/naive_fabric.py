"""Full links inside a site, one connection at a time: the fabric as a graph of networkx, filled up in small events.

A connection is what one server sends over one way to a border, for the services of one tier. Tiers go one after the other;
within a tier all connections are raised together, and one stops when it has what it wants or meets a full link.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import networkx as nx


@dataclass
class Connection:
    """Bits per second that the services of one tier on one server want to send over one way, as if it were the only one."""

    tier: int
    owner: tuple[str, str]
    links: tuple[str, ...]
    weight: float
    wants_bps: float
    gets_bps: float = 0.0


class NaiveFabric:
    """Connections of one instant of the naive twin, and what they get."""

    def __init__(self, traffic: Any) -> None:
        self.traffic, self.at = traffic, traffic.at
        self.network = self.at.network
        self.graph = self._graph()
        self.connections = [one for rack in self.at.fleet.racks for one in self._of_rack(rack)]
        self.carried = Counter[str]()
        for tier in sorted({one.tier for one in self.connections}):
            self._fill([one for one in self.connections if one.tier == tier])

    def capacity_bps(self, link: str) -> float:
        """What a link can carry now."""
        row = next(row for row in self.at.fleet.links if row.name == link)
        left = min(1.0, 1.0 + self.at.cells.bandwidth.get(link, 0.0))
        return float(row.capacity_bps * left) if left > 1e-9 else 0.0

    def _graph(self) -> nx.MultiDiGraph:
        graph = nx.MultiDiGraph()
        for name, switch in self.network.switches.items():
            if switch.tier != "border" and self.network.reaches(name):
                for link, far in self.network.uplinks(name):
                    graph.add_edge(name, far, link.name)
        for rack in self.at.fleet.racks:
            graph.add_edges_from(
                (("rack", rack.name), name) for name in rack.switches if self.network.reaches(name)
            )
        return graph

    def _of_rack(self, rack: Any) -> list[Connection]:
        root, ways = ("rack", rack.name), []
        if root in self.graph:
            for border in (name for name, row in self.network.switches.items() if row.tier == "border"):
                if border in self.graph:
                    ways += list(nx.all_simple_edge_paths(self.graph, root, border))
        found = []
        for group in (g for g in self.at.fleet.server_groups if g.rack == rack.name):
            rru = self.at.worth(group) * self.at.throttle(group)
            all_of_it = self.at.capacity_rru(group.owner, rack.site)
            for tier in sorted({row.tier for row in self.at.fleet.services}):
                bps = sum(
                    8.0 * row.request_bytes * self.traffic.passed(row.name, rack.site)
                    for row in self.at.fleet.services
                    if row.tier == tier and row.reservation == group.owner
                )
                if bps <= 0 or all_of_it <= 0:
                    continue
                for _ in range(self.at.standing(group)[0]):
                    for way in ways:
                        weight = math.prod(1.0 / self.graph.out_degree(node) for node, _, _ in way)
                        links = tuple(key for _, _, key in way if isinstance(key, str))
                        owner = (group.owner, rack.site)
                        found.append(Connection(tier, owner, links, weight, bps * rru / all_of_it))
        return found

    def _fill(self, going: list[Connection]) -> None:
        """Raise all connections to the next event, again and again."""
        level = 0.0
        while going:
            asks = Counter[str]()
            for one in going:
                for link in one.links:
                    asks[link] += one.weight  # type: ignore[assignment]
            steps = {
                link: max(0.0, self.capacity_bps(link) - self.carried[link]) / asks[link] for link in asks
            }
            step = min([*steps.values(), *(one.wants_bps - level for one in going)])
            level += step
            for link, weight in asks.items():
                self.carried[link] += step * weight  # type: ignore[assignment]
            full = {link for link, room in steps.items() if room <= step * (1 + 1e-12)}
            for one in going:
                one.gets_bps = level
            going = [
                one for one in going if not full & set(one.links) and one.wants_bps > level * (1 + 1e-12)
            ]

    def lost(self, service: str, site: str) -> float:
        """Share of the answers of a service at a site that is lost on the way to the border."""
        row = self.at.services[service]
        mine = [
            one for one in self.connections if (one.tier, one.owner) == (row.tier, (row.reservation, site))
        ]
        wanted = sum(one.weight * one.wants_bps for one in mine)
        # Racks without switches have no links: they lose nothing of what they send.
        bare = self._without_links(row.reservation, site)
        return (
            (1.0 - bare) * (1.0 - sum(one.weight * one.gets_bps for one in mine) / wanted) if wanted else 0.0
        )

    def _without_links(self, owner: str, site: str) -> float:
        rru = sum(
            self.at.standing(g)[0] * self.at.worth(g) * self.at.throttle(g)
            for g in self.at.owned(owner, site)
            if ("rack", g.rack) not in self.graph
        )
        all_of_it = self.at.capacity_rru(owner, site)
        return rru / all_of_it if all_of_it else 0.0

    def failing_at(self, service: str, site: str) -> float:
        """Share of the requests of a service at a site that lose their answer, or one of the calls they make, and so on down."""
        survive = 1.0 - self.lost(service, site)
        for callee, calls in self.at.services[service].callees.items():
            local = self.traffic.memory.believed[callee, site]
            lost = self.failing_at(callee, site) if local else self.failing(callee)
            survive *= (1.0 - lost) ** math.floor(calls) * (1.0 - (calls - math.floor(calls)) * lost)
        return 1.0 - survive

    def failing(self, service: str) -> float:
        """Mean of that over the sites, by arrivals."""
        arrivals = {site: self.traffic.arrivals[service, site] for site in self.traffic.sites}
        total = sum(arrivals.values())
        return sum(self.failing_at(service, s) * n for s, n in arrivals.items()) / total if total > 0 else 0.0
