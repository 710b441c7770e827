"""The recorder: streaming integrals, extremes and violation intervals, in bounded memory."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np

from twin.graph.levels import Bools, Floats
from twin.records.run import Interval, Run
from twin.sim.block import Block
from twin.sim.engine import Engine
from twin.sim.movers.rebuild import Rebuild
from twin.sim.sparse import group_sums

MAX_INTERVALS = 20_000
SLACK = 1.0 + 1e-9

# What is added up: vectors of the run by service, row of traffic and site, in the order in which they stand.
BY_SERVICE = ("requests", "errors", "retries", "p99_integral")
BY_TRAFFIC = ("traffic_bit", "traffic_lost_bit")
BY_SITE = (
    "facility_j",
    "it_j",
    "onsite_j",
    "water_l",
    "server_cost_usd",
    "embodied_kg",
    "carbon_g",
    "energy_cost_usd",
)

# Violation kinds, in the order of the flag vector; the second word is the kind of thing that violates.
VIOLATIONS = (
    ("overloads", "power_units"),
    ("unpowered", "racks"),
    ("unpowered", "cooling_plants"),
    ("unreachable", "racks"),
    ("link_overloads", "links"),
    ("link_overloads", "switches"),
    ("quorum_lost", "storage"),
    ("cooling_short", "sites"),
    ("slo_violations", "services"),
)


class Recorder:
    """Accumulates over [last settle, now) before each settle, and takes note of what was settled after it."""

    def __init__(self, engine: Engine) -> None:
        compiled = engine.compiled
        self._engine = engine
        self._last = 0.0
        self._rates: Floats | None = None
        services, sites = len(compiled.names["services"]), len(compiled.names["sites"])
        before = len(BY_SERVICE) * services + len(BY_TRAFFIC) * len(compiled.traffic.pair)
        self._totals = np.zeros(before + len(BY_SITE) * sites)
        self._facility = slice(before, before + sites)
        self._p99_max, self._rho_max = np.zeros(services), np.zeros(services)
        self._short = np.zeros((services, sites))
        self._site_max, self._fleet_max = np.zeros(sites), 0.0
        self._region_max = np.zeros(len(compiled.names["regions"]))
        self._peak_max = np.full(len(compiled.names["power_units"]), -np.inf)
        self._names = [(kind, compiled.names[names]) for kind, names in VIOLATIONS]
        ends = np.cumsum([0, *(len(names) for _, names in self._names)]).tolist()
        self._ends = ends[1:]
        self._part = [slice(first, last) for first, last in zip(ends, ends[1:], strict=False)]
        self.flags = np.zeros(ends[-1], dtype=bool)
        power, network = compiled.power, compiled.network
        self._limits = [
            limit[:, None] * SLACK
            for limit in (power.limit_va, network.link_capacity_bps, network.switch_capacity_bps)
        ]
        self._since: dict[int, float] = {}
        self._intervals: list[Interval] = []
        self._dropped = 0
        self._by_region = group_sums(compiled.site_region, len(self._region_max))
        self._whole = group_sums(np.zeros(sites, dtype=np.int64), 1)
        self._grid_times, self._grid = np.zeros(1), np.zeros((1, 2, sites))

    def begin(self, start: float, grid_knots: Floats) -> None:
        """Read the carbon intensity [g/J] and the price [USD/J] of each site between the times at which they change."""
        demand, region = self._engine.compiled.demand, self._engine.compiled.site_region
        self._last = start
        self._grid_times = np.r_[start, grid_knots]
        factors = np.stack([demand.factors(time) for time in self._grid_times.tolist()])
        carbon = np.where(demand.carbon_series >= 0, factors[:, demand.carbon_series], demand.carbon)
        price = np.where(demand.price_series >= 0, factors[:, demand.price_series], demand.price)
        self._grid = np.stack([carbon[:, region] / 3.6e6, price[:, region] / 3.6e9], axis=1)

    def advance(self, now: float) -> None:
        """Integrate the settled state from the last instant to `now` (seconds)."""
        last, self._last = self._last, now
        if now <= last or self._rates is None:
            return
        self._integrate(self._rates, np.array([last, now]))
        self._engine.advance(now - last)

    def _integrate(self, rates: Floats, times: Floats) -> None:
        """Add up rates `[n, ...]` that hold between n + 1 times, one after the other, so that sums keep their bits."""
        first, last = np.searchsorted(self._grid_times, (times[0], times[-1]), side="right")
        if last > first:
            ends = times
            times = np.unique(np.r_[times, self._grid_times[first:last]])
            times = times[times <= ends[-1]]
            rates = rates[np.searchsorted(ends, times[:-1], side="right") - 1]
        grid = self._grid[np.searchsorted(self._grid_times, times[:-1], side="right") - 1]
        rows = np.empty((len(rates) + 1, len(self._totals)))
        rows[0] = self._totals
        parts = rates.shape[1]
        np.multiply(rates, (times[1:] - times[:-1])[:, None], out=rows[1:, :parts])
        energy = rows[1:, None, self._facility]
        np.multiply(energy, grid, out=rows[1:, parts:].reshape(energy.shape[0], 2, -1))
        self._totals = np.add.accumulate(rows, axis=0)[-1]

    def note(self, block: Block, *, servers_changed: bool) -> None:
        """Take note of a block just settled, and integrate up to its last instant."""
        for _, supply in block.supplies if servers_changed else block.supplies[1:]:
            np.maximum(self._short, supply.short_rru, out=self._short)
        np.maximum(self._p99_max, block.p99_s.max(axis=1), out=self._p99_max)
        np.maximum(self._rho_max, block.flows.rho.max(axis=(0, 2), initial=0.0), out=self._rho_max)
        np.maximum(self._site_max, block.facility_w.max(axis=1), out=self._site_max)
        region_w = self._by_region.of(block.facility_w)
        np.maximum(self._region_max, region_w.max(axis=1), out=self._region_max)
        self._fleet_max = max(self._fleet_max, float(self._whole.of(block.facility_w).max()))
        np.maximum(self._peak_max, block.unit_peak_va.max(axis=1), out=self._peak_max)
        self._note_violations(block, topology_changed=servers_changed)
        rates = self._rates_of(block)
        if len(block) > 1:
            self._integrate(rates[:-1], block.times)
        self._rates, self._last = rates[-1:], float(block.times[-1])

    def _rates_of(self, block: Block) -> Floats:
        """What grows how fast at each instant, in the order of the totals (but for carbon and cost of energy)."""
        flows = block.flows
        rates = np.empty((len(block), len(self._totals) - 2 * len(block.it_w)))
        flowing = (
            flows.requests,
            flows.errors,
            flows.retries,
            block.p99_s.T,
            block.traffic_bps.T,
            block.traffic_lost_bps.T,
            block.facility_w.T,
            block.it_w.T,
            block.onsite_w.T,
            block.water_l_per_s.T,
        )
        last = 0
        for values in flowing:
            first, last = last, last + values.shape[1]
            rates[:, first:last] = values
        for row, supply in block.supplies:
            rates[row:, last:] = np.concatenate([supply.cost_rate, supply.embodied_rate])
        return rates

    def _note_violations(self, block: Block, *, topology_changed: bool) -> None:
        """Begin and end the intervals of the flags that change, instant by instant."""
        new = self._changing(block)
        if topology_changed:
            new += [(part, flags[:, None]) for part, flags in self._standing()]
        changes: list[tuple[int, int]] = []
        for part, flags in new:
            if not (flags != self.flags[self._part[part], None]).any():
                continue
            before = np.concatenate([self.flags[self._part[part], None], flags[:, :-1]], axis=1)
            things, columns = np.nonzero(flags != before)
            changes += zip(columns.tolist(), (things + self._part[part].start).tolist(), strict=True)
            self.flags[self._part[part]] = flags[:, -1]
        for column, flag in sorted(changes):
            now = float(block.times[column])
            if flag in self._since:
                self._close(flag, now)
            else:
                self._since[flag] = now

    def violations(self, block: Block) -> Bools:
        """Return which things violate what at the last instant of a block, in the order of VIOLATIONS."""
        found = self.flags.copy()
        for part, flags in self._changing(block):
            found[self._part[part]] = flags[:, -1]
        for part, flags in self._standing():
            found[self._part[part]] = flags
        return found

    def _changing(self, block: Block) -> list[tuple[int, Bools]]:
        """Flags `[things, T]` that demand and weather move, with their place in VIOLATIONS."""
        services, flows = self._engine.compiled.services, block.flows
        slow = (services.slo_p99_s < block.p99_s.T) & (flows.requests > 0)
        slow |= flows.errors > services.slo_error * flows.requests * SLACK
        units, links, switches = self._limits
        left = self._engine.state.bandwidth[:, None]
        if (left < 1.0).any():
            links = np.multiply(links, np.minimum(left, 1.0), out=np.zeros_like(links), where=left > 0)
        return [
            (0, block.unit_peak_va > units),
            (4, block.link_load > links),
            (5, block.switch_load > switches),
            (7, block.cooling_short_w > 1e-6),
            (8, slow.T),
        ]

    def _standing(self) -> list[tuple[int, Bools]]:
        """Flags `[things]` that only the topology moves, with their place in VIOLATIONS."""
        engine = self._engine
        return [
            (1, ~engine.rack_powered),
            (2, ~engine.plant_alive),
            (3, engine.rack_powered & ~engine.rack_reachable),
            (6, ~engine.storage_ok),
        ]

    def _of_storage(self, what: str) -> Floats:
        """What the rebuilding of stateful sets counts, by set; nothing where it is not played."""
        found = np.zeros(len(self._engine.compiled.names["storage"]))
        for mover in self._engine.movers:
            if isinstance(mover, Rebuild):
                found[mover.rows] = [getattr(one, what) for one in mover.sets]
        return found

    def thing(self, flag: int) -> tuple[str, str]:
        """The (violation kind, name) of one flag."""
        part = bisect_right(self._ends, flag)
        kind, names = self._names[part]
        return kind, names[flag - self._part[part].start]

    def _close(self, flag: int, now: float) -> None:
        since = self._since.pop(flag)
        if now <= since:
            return
        if len(self._intervals) < MAX_INTERVALS:
            self._intervals.append(Interval(*self.thing(flag), since, now))
        else:
            self._dropped += 1

    def finish(self, start: float, until: float, *, events: int) -> Run:
        """Close the books at the end of the run."""
        self.advance(until)
        for flag in sorted(self._since):
            self._close(flag, until)
        engine = self._engine
        services = len(self._p99_max) * len(BY_SERVICE)
        by_service: dict[str, Any] = dict(
            zip(BY_SERVICE, self._totals[:services].reshape(len(BY_SERVICE), -1), strict=True)
        )
        traffic = self._totals[services : self._facility.start]
        by_traffic: dict[str, Any] = dict(zip(BY_TRAFFIC, traffic.reshape(len(BY_TRAFFIC), -1), strict=True))
        by_site: dict[str, Any] = dict(
            zip(BY_SITE, self._totals[self._facility.start :].reshape(len(BY_SITE), -1), strict=True)
        )
        by_service["errors"] = by_service["errors"] + engine.services.dropped
        return Run(
            start_s=start,
            seconds=until - start,
            **by_service,
            **by_traffic,
            **by_site,
            p99_max_s=self._p99_max,
            rho_max=self._rho_max,
            short_rru=self._short,
            facility_max_w=self._site_max,
            region_max_w=self._region_max,
            fleet_max_w=self._fleet_max,
            headroom_min=1.0 - self._peak_max / engine.compiled.power.limit_va,
            intervals=tuple(self._intervals),
            intervals_dropped=self._dropped,
            at_risk_max_bytes=self._of_storage("at_risk_max_bytes"),
            rebuilt_bytes=self._of_storage("rebuilt_bytes"),
            settles=engine.settles,
            events=events,
        )


__all__ = ["VIOLATIONS", "Floats", "Recorder"]
