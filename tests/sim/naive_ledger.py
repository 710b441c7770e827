"""Naive books: every server of every group charged one at a time at every event, by the rules of `twin.sim`'s README.

The oracle of the ledger. Like the naive twin, on which it stands, it shares no code with the simulator.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.sim.naive import NaiveTwin

NOBODY, IDLE = "(nobody)", "(idle)"
Place = tuple[str, str]  # (site, rack)
Use = tuple[str, str, str]  # (site, owner, service)


@dataclass
class Books:
    """What everybody is charged, in J, g, USD and kg."""

    it_j: defaultdict[Any, float] = field(default_factory=lambda: defaultdict(float))
    facility_j: defaultdict[Any, float] = field(default_factory=lambda: defaultdict(float))
    carbon_g: defaultdict[Any, float] = field(default_factory=lambda: defaultdict(float))
    energy_cost_usd: defaultdict[Any, float] = field(default_factory=lambda: defaultdict(float))
    water_l: defaultdict[Any, float] = field(
        default_factory=lambda: defaultdict(float)
    )  # random fleets have no towers
    embodied_kg: defaultdict[Any, float] = field(default_factory=lambda: defaultdict(float))
    server_cost_usd: defaultdict[Any, float] = field(default_factory=lambda: defaultdict(float))


class NaiveBookkeeper(NaiveTwin):
    """The naive twin, keeping books by place and by use besides."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.places, self.uses = Books(), Books()
        self.place_rates, self.use_rates = Books(), Books()

    def _settle(self) -> None:
        """What is charged per second holds until the next settle: a server that breaks in between is not yet missed."""
        super()._settle()
        self.place_rates, self.use_rates = Books(), Books()
        for site in self.fleet.sites:
            self._rate_site(site)

    def _keep_books(self, now_s: float) -> None:
        seconds = now_s - self.last_s
        super()._keep_books(now_s)
        for books, rates in ((self.places, self.place_rates), (self.uses, self.use_rates)):
            for what, counter in vars(rates).items():
                for key, rate in counter.items():
                    getattr(books, what)[key] += rate * seconds

    def _rate_site(self, site: Any) -> None:
        racks = [rack for rack in self.fleet.racks if rack.site == site.name]
        places = {(site.name, rack.name): self.leaves[rack.name].watts for rack in racks}
        uses: defaultdict[Use, float] = defaultdict(float)
        for rack in racks:
            self._split_rack(rack, uses)
            self._write_off(rack)
        self._share_out(self.place_rates, site, (site.name, NOBODY), places)
        self._share_out(self.use_rates, site, (site.name, NOBODY, NOBODY), uses)

    def _share_out(self, rates: Books, site: Any, nobody: Any, watts: Any) -> None:
        """What a site draws, emits and pays, in proportion to IT power."""
        it_w, facility_w = sum(watts.values()), self.facility_w[site.name]
        region = next(row for row in self.fleet.regions if row.name == site.region)
        parts = {key: w / it_w for key, w in watts.items()} if it_w > 0 else {nobody: 1.0}
        for key, part in parts.items():
            rates.it_j[key] += it_w * part
            rates.facility_j[key] += facility_w * part
            rates.carbon_g[key] += facility_w * part / 3.6e6 * (region.carbon_g_per_kwh or 0.0)
            rates.energy_cost_usd[key] += facility_w * part / 3.6e9 * (region.price_usd_per_mwh or 0.0)

    def _split_rack(self, rack: Any, uses: defaultdict[Use, float]) -> None:
        """Watts of a rack by who uses its servers; its switches go with its servers."""
        own: defaultdict[Use, float] = defaultdict(float)
        for group in self._groups(rack):
            idle_w, off_w = self.instant.watts(group.type, 0.0), self.instant.types[group.type].off_w
            working, idle, broken = self.instant.standing(group)
            u = self._utilisation(group, rack.site)
            own[rack.site, group.owner, IDLE] += idle * idle_w + broken * off_w + working * (1 - u) * idle_w
            busy_w = working * (self.instant.watts(group.type, u) - (1 - u) * idle_w)
            for service, part in self._services(group.owner, rack.site).items():
                own[rack.site, group.owner, service] += busy_w * part
        total, drawn = sum(own.values()), self.leaves[rack.name].watts
        if total > 0:
            for key, watts in own.items():
                uses[key] += watts * drawn / total
        else:
            uses[rack.site, NOBODY, NOBODY] += drawn

    def _write_off(self, rack: Any) -> None:
        """Embodied carbon and price of the servers that stand in a rack, over their lifetime."""
        for group in self._groups(rack):
            kind, count = self.instant.types[group.type], group.count + self.cells.added[group.name]
            working = self.instant.standing(group)[0]
            used = working * self._utilisation(group, rack.site)
            parts = {name: part * used for name, part in self._services(group.owner, rack.site).items()}
            parts[IDLE] = count - sum(parts.values())
            for what, each in (("embodied_kg", kind.embodied_kg), ("server_cost_usd", kind.cost_usd)):
                rate = each / kind.lifetime_s
                getattr(self.place_rates, what)[rack.site, rack.name] += rate * count
                for name, servers in parts.items():
                    getattr(self.use_rates, what)[rack.site, group.owner, name] += rate * servers

    def _groups(self, rack: Any) -> list[Any]:
        return [group for group in self.fleet.server_groups if group.rack == rack.name]

    def _utilisation(self, group: Any, site: str) -> float:
        assert self.traffic is not None
        return min(1.0, self.traffic.utilisation(group.owner, site)) * self.instant.throttle(group)

    def _services(self, owner: str, site: str) -> dict[str, float]:
        """Part of each service of an owner in what they keep busy at a site."""
        assert self.traffic is not None
        busy = {
            row.name: self.traffic.passed(row.name, site) * row.service_time_s / row.slots * row.replica_rru
            for row in self.fleet.services
            if row.reservation == owner
        }
        total = sum(busy.values())
        return {name: rru / total for name, rru in busy.items()} if total > 0 else {}
