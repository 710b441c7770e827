"""The recorder: streaming integrals, extremes and violation intervals, in bounded memory."""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Bools, Floats
from twin.records.run import Interval, Run
from twin.sim.engine import Engine
from twin.sim.sparse import add_up

MAX_INTERVALS = 20_000
SLACK = 1.0 + 1e-9

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
    """Accumulates over [last settle, now) before each settle, and takes note of violations after it."""

    def __init__(self, engine: Engine) -> None:
        compiled = engine.compiled
        self._engine = engine
        self._last: float | None = None
        services, sites = len(compiled.names["services"]), len(compiled.names["sites"])
        self._sums = {name: np.zeros(services) for name in ("requests", "errors", "retries", "p99")}
        self._site_sums = {name: np.zeros(sites) for name in ("facility", "it", "carbon", "cost")}
        self._p99_max, self._rho_max = np.zeros(services), np.zeros(services)
        self._short = np.zeros((services, sites))
        self._site_max, self._region_max, self._fleet_max = (
            np.zeros(sites),
            np.zeros(len(compiled.names["regions"])),
            0.0,
        )
        self._headroom = np.full(len(compiled.names["power_units"]), np.inf)
        self._server_cost, self._embodied = np.zeros(sites), np.zeros(sites)
        self._things = [(kind, name) for kind, names in VIOLATIONS for name in compiled.names[names]]
        self.flags = np.zeros(len(self._things), dtype=bool)
        ends = np.cumsum([0, *(len(compiled.names[names]) for _, names in VIOLATIONS)]).tolist()
        self._part = [slice(first, last) for first, last in zip(ends, ends[1:], strict=False)]
        self._link_limit = compiled.network.link_capacity_bps * SLACK
        self._since: dict[int, float] = {}
        self._intervals: list[Interval] = []
        self._dropped = 0
        self._group_site = compiled.rack_site[compiled.servers.group_rack]
        self._in_region = np.equal.outer(np.arange(len(self._region_max)), compiled.site_region).astype(float)
        self._grid = (np.zeros(sites), np.zeros(sites))

    def advance(self, now: float) -> None:
        """Integrate the settled state from the last instant to `now` (seconds)."""
        seconds = 0.0 if self._last is None else now - self._last
        self._last = now
        engine = self._engine
        if seconds <= 0.0 or engine.flows is None:
            return
        flows, sums = engine.flows, self._sums
        sums["requests"] += flows.requests * seconds
        sums["errors"] += flows.errors * seconds
        sums["retries"] += flows.retries * seconds
        sums["p99"] += engine.p99_s * seconds
        energy = engine.facility_w * seconds
        self._site_sums["facility"] += energy
        self._site_sums["it"] += engine.it_w * seconds
        self._site_sums["carbon"] += energy * self._grid[0]
        self._site_sums["cost"] += energy * self._grid[1]
        self._server_cost += self._cost_rate * seconds
        self._embodied += self._embodied_rate * seconds
        engine.advance(seconds)

    def set_grid(self, now: float) -> None:
        """Read the carbon intensity [g/J] and the price [USD/J] of each site that hold from `now` on."""
        demand, region = self._engine.compiled.demand, self._engine.compiled.site_region
        factors = demand.factors(now)
        carbon = np.where(demand.carbon_series >= 0, factors[demand.carbon_series], demand.carbon)
        price = np.where(demand.price_series >= 0, factors[demand.price_series], demand.price)
        self._grid = carbon[region] / 3.6e6, price[region] / 3.6e9

    def note(self, now: float, *, servers_changed: bool) -> Bools:
        """Take note of the state just settled; return which violation flags changed."""
        engine = self._engine
        assert engine.flows is not None
        if servers_changed:
            np.maximum(self._short, engine.short_rru, out=self._short)
            sites = len(engine.it_w)
            self._cost_rate = add_up(self._group_site, engine.installed_cost, sites)
            self._embodied_rate = add_up(self._group_site, engine.installed_embodied, sites)
        np.maximum(self._p99_max, engine.p99_s, out=self._p99_max)
        np.maximum(self._rho_max, engine.flows.rho.max(axis=1, initial=0.0), out=self._rho_max)
        np.maximum(self._site_max, engine.facility_w, out=self._site_max)
        np.maximum(self._region_max, self._in_region @ engine.facility_w, out=self._region_max)
        self._fleet_max = max(self._fleet_max, float(engine.facility_w.sum()))
        limit = engine.compiled.power.limit_va
        np.minimum(self._headroom, 1.0 - engine.unit_peak_va / limit, out=self._headroom)
        flags = self.violations(topology_changed=servers_changed)
        changed = flags != self.flags
        for i in np.flatnonzero(changed).tolist():
            if flags[i]:
                self._since[i] = now
            else:
                self._close(i, now)
        self.flags = flags
        return changed

    def violations(self, *, topology_changed: bool = True) -> Bools:
        """Return which things violate what now, in the order of VIOLATIONS.

        Unless the topology changed, its flags are those of the last call.
        """
        engine, flows, part = self._engine, self._engine.flows, self._part
        network, services = engine.compiled.network, engine.compiled.services
        assert flows is not None
        flags = self.flags.copy()
        np.greater(engine.unit_peak_va, engine.compiled.power.limit_va * SLACK, out=flags[part[0]])
        if topology_changed:
            flags[part[1]] = ~engine.rack_powered
            flags[part[2]] = ~engine.plant_alive
            flags[part[3]] = engine.rack_powered & ~engine.rack_reachable
            flags[part[6]] = ~engine.storage_ok
        np.greater(engine.link_load, self._link_limit, out=flags[part[4]])
        np.greater(engine.switch_load, network.switch_capacity_bps * SLACK, out=flags[part[5]])
        np.greater(engine.cooling_short_w, 1e-6, out=flags[part[7]])
        slow = (engine.p99_s > services.slo_p99_s) & (flows.requests > 0)
        flags[part[8]] = slow | (flows.errors > services.slo_error * flows.requests * SLACK)
        return flags

    def thing(self, flag: int) -> tuple[str, str]:
        """The (violation kind, name) of one flag."""
        return self._things[flag]

    def _close(self, flag: int, now: float) -> None:
        since = self._since.pop(flag)
        if now <= since:
            return
        if len(self._intervals) < MAX_INTERVALS:
            self._intervals.append(Interval(*self._things[flag], since, now))
        else:
            self._dropped += 1

    def finish(self, start: float, until: float, *, events: int) -> Run:
        """Close the books at the end of the run."""
        self.advance(until)
        for flag in sorted(self._since):
            self._close(flag, until)
        engine, sums, sites = self._engine, self._sums, self._site_sums
        errors = sums["errors"] + engine.services.dropped
        return Run(
            start_s=start,
            seconds=until - start,
            requests=sums["requests"],
            errors=errors,
            retries=sums["retries"],
            p99_integral=sums["p99"],
            p99_max_s=self._p99_max,
            rho_max=self._rho_max,
            short_rru=self._short,
            facility_j=sites["facility"],
            it_j=sites["it"],
            carbon_g=sites["carbon"],
            energy_cost_usd=sites["cost"],
            server_cost_usd=self._server_cost,
            embodied_kg=self._embodied,
            facility_max_w=self._site_max,
            region_max_w=self._region_max,
            fleet_max_w=self._fleet_max,
            headroom_min=self._headroom,
            intervals=tuple(self._intervals),
            intervals_dropped=self._dropped,
            settles=engine.settles,
            events=events,
        )


__all__ = ["VIOLATIONS", "Floats", "Recorder"]
