"""The bookkeeper: charges a run to racks, and to services and their owners, while it is played.

It looks on like the narrator, after every settle, and changes nothing. Whatever a site draws, emits, pays or evaporates at an
instant is shared by IT power at that instant: who computes at night bears the losses, the cooling, the carbon and the price
of the night. While the racks of a site draw nothing, nobody is charged. Who has which IT power is said in `uses.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Floats, Ints
from twin.model.change import TimedChange
from twin.records.ledger import IDLE, NOBODY, QUANTITIES, Ledger, Lines, handed_down
from twin.records.run import Run
from twin.sim.engine import Engine
from twin.sim.recorder import Recorder
from twin.sim.sparse import add_up
from twin.sim.uses import installed, uses

BY_SITE = 5  # quantities of a site that IT power shares, as `_charge` stacks them; the others are of servers


class Bookkeeper:
    """Keeps the books of one run over [start, until): an observer of the simulator; `close` makes the ledger.

    Lines by place are racks, then sites with nobody in them; by use cells (service, site), then (reservation, site) pairs
    for what is idle, then sites with nobody. Cost per settle: a pass over the server groups.
    """

    def __init__(self, compiled: Compiled, *, start_s: float = 0.0, until_s: float) -> None:
        self._compiled, self._last, self._until = compiled, start_s, until_s
        self._grid = Grid(compiled, start_s, until_s)
        sites = np.arange(len(compiled.names["sites"]))
        cells = np.tile(sites, len(compiled.names["services"]))
        self._places = Side(np.concatenate([compiled.rack_site, sites]), len(sites))
        self._uses = Side(np.concatenate([cells, compiled.servers.rs_site, sites]), len(sites))
        self._it_w = self._facility_w = self._water_l_per_s = np.zeros(len(sites))

    def __call__(self, now: float, engine: Engine, _: Recorder, __: Sequence[TimedChange]) -> None:
        """Charge what was drawn since the last settle, and see who draws what from now on."""
        self._charge(now)
        self._it_w, self._facility_w = engine.it_w, engine.facility_w
        self._water_l_per_s = engine.water_l_per_s
        rack, racks = self._compiled.servers.group_rack, len(self._compiled.rack_site)
        rates = np.stack([add_up(rack, rate, racks) for rate in installed(engine)])
        self._places.read(engine.rack_w, rates, engine.it_w)
        self._uses.read(*uses(engine), engine.it_w)

    def close(self, run: Run) -> Ledger:
        """Charge the rest of the run, and balance the books with what the recorder saw."""
        self._charge(self._until)
        units = np.array([[quantity.units] for quantity in QUANTITIES])
        whole = np.stack([getattr(run, quantity.vector) for quantity in QUANTITIES]) * units
        places, uses = (
            handed_down(whole, side.amounts * units, side.site) for side in (self._places, self._uses)
        )
        return Ledger(self._by_place(places), self._by_use(uses))

    def _charge(self, now: float) -> None:
        seconds = now - self._last
        if seconds <= 0.0:
            return
        carbon, price = self._grid.between(self._last, now)
        facility_w, rates = self._facility_w, (self._it_w, self._facility_w, self._water_l_per_s)
        it_j, facility_j, water_l = (rate * seconds for rate in rates)
        by_site = np.stack([it_j, facility_j, facility_w * carbon, facility_w * price, water_l])
        for side in (self._places, self._uses):
            side.charge(by_site, seconds)
        self._last = now

    def _by_place(self, amounts: Ints) -> Lines:
        names, site = self._compiled.names["racks"], self._places.site
        rack = np.minimum(np.arange(len(site)), len(names))
        return self._lines(site, {"rack": rack}, {"rack": (*names, NOBODY)}, amounts)

    def _by_use(self, amounts: Ints) -> Lines:
        names, services, sites = self._compiled.names, self._compiled.services, len(self._it_w)
        kinds, owners, pairs = len(names["services"]), len(names["reservations"]), self._compiled.servers
        owner = [np.repeat(services.reservation, sites), pairs.rs_reservation, np.full(sites, owners)]
        service = [
            np.repeat(np.arange(kinds), sites),
            np.full(len(pairs.rs_site), kinds),
            np.full(sites, kinds + 1),
        ]
        rows = {"owner": np.concatenate(owner), "service": np.concatenate(service)}
        known = {"owner": (*names["reservations"], NOBODY), "service": (*names["services"], IDLE, NOBODY)}
        return self._lines(self._uses.site, rows, known, amounts)

    def _lines(
        self, site: Ints, rows: Mapping[str, Ints], names: Mapping[str, tuple[str, ...]], amounts: Ints
    ) -> Lines:
        """The lines that are charged something, with their regions and sites."""
        compiled, kept = self._compiled, amounts.any(axis=0)
        rows = {"region": compiled.site_region[site], "site": site, **rows}
        known = {"region": compiled.names["regions"], "site": compiled.names["sites"], **names}
        return Lines({domain: row[kept] for domain, row in rows.items()}, known, amounts[:, kept])


class Side:
    """One partition of the fleet into lines: the site of each `[n]`, and what it is charged so far `[Q, n]`.

    The last lines are the sites with nobody in them.
    """

    def __init__(self, site: Ints, sites: int) -> None:
        self.site = site
        self.amounts = np.zeros((len(QUANTITIES), len(site)))
        self._part, self._rate = np.zeros(len(site)), np.zeros((len(QUANTITIES) - BY_SITE, 0))
        self._sites = sites

    def read(self, watts: Floats, rates: Floats, it_w: Floats) -> None:
        """Take the IT power of each line `[W]` and what its servers cost `[kg/s and USD/s, (2, n)]` from now on."""
        self._rate, total = rates, it_w[self.site]
        self._part = np.zeros(len(self.site))
        np.divide(watts, total[: len(watts)], out=self._part[: len(watts)], where=total[: len(watts)] > 0)
        self._part[len(self.site) - self._sites :][it_w <= 0] = 1.0

    def charge(self, by_site: Floats, seconds: float) -> None:
        """Charge what the sites `[5, S]` and the servers cost over some seconds."""
        self.amounts[:BY_SITE] += by_site[:, self.site] * self._part
        self.amounts[BY_SITE:, : self._rate.shape[1]] += self._rate * seconds


class Grid:
    """Carbon intensity and price of each site, integrated over time from the start of a run."""

    def __init__(self, compiled: Compiled, start_s: float, until_s: float) -> None:
        demand, region = compiled.demand, compiled.site_region
        self._times = np.r_[start_s, demand.grid_knots(start_s, until_s)]
        factors = np.stack([demand.factors(time) for time in self._times.tolist()])
        carbon = np.where(demand.carbon_series >= 0, factors[:, demand.carbon_series], demand.carbon)
        price = np.where(demand.price_series >= 0, factors[:, demand.price_series], demand.price)
        self._rate = np.stack([carbon[:, region] / 3.6e6, price[:, region] / 3.6e9], axis=1)
        steps = self._rate[:-1] * np.diff(self._times)[:, None, None]
        self._sum = np.concatenate([np.zeros((1, *self._rate.shape[1:])), np.cumsum(steps, axis=0)])

    def between(self, start_s: float, end_s: float) -> Floats:
        """Return the integrals of intensity `[g s/J]` and price `[USD s/J]` over a time `(2, S)`."""
        return self._until(end_s) - self._until(start_s)

    def _until(self, time_s: float) -> Floats:
        i = int(np.searchsorted(self._times, time_s, side="right")) - 1
        return self._sum[i] + self._rate[i] * (time_s - self._times[i])
