"""The capacity problem: which reservation gets how many servers of which cell, as arrays.

A *cell* holds servers that are alike for every rule: one type, behind the same power devices, in the same failure domains. Who
owns them now is not part of the key: a *pair* (cell, reservation) has a count now, and the plan is a delta from it. Only pairs
that may be used exist. A *relative resource unit* (RRU) is what demand and servers are counted in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Family:
    """A family of failure domains ("switchboard", "row", "site"): the domain of each cell `[C]`, -1 for none."""

    name: str
    domains: tuple[str, ...]
    of_cell: Ints


@dataclass(frozen=True)
class Budget:
    """Limits that are linear in the servers: Σ_p share[l, cell(p)] · weight[p] · n[p] ≤ max(limit[l], what it is now).

    Rows `[L]` are a device in one state of the plant each ("ams1-msb-3 after the loss of ams1-msb-2"), `share` `[L, C]` says how
    much of what a cell draws flows there, `weight` `[P]` what a server of a pair draws more than a free one. What is above its
    limit today must not get worse. `price` per unit above is paid where a limit is soft; infinity makes it hard.
    """

    name: str
    unit: str
    rows: tuple[str, ...]
    share: csr_array
    weight: Floats
    limit: Floats
    price: float = np.inf


@dataclass(frozen=True)
class Affinity:
    """The share of a demand that is wanted in each domain of a family, `[R, G]` (NaN: anything).

    It may be less by `within` of the demand and more by `above` of it (infinity: as much as there is; not given: as `within`);
    what is outside pays.
    """

    family: int
    share: Floats
    within: float = 0.05
    above: float | None = None
    price: float = 2.0


@dataclass(frozen=True)
class Backbone:
    """Flows `[Q]` of (reservation, region of users, site, state): who could be served where, and what links carry then.

    `asked` `[R, G]` is what users ask [RRU], `share` `[L, Q]` what one RRU of a flow puts on a direction of a link in its state
    [Gbit/s], `limit` `[L]` what is free there. A flow may not exceed what its reservation has at its site.
    """

    states: tuple[str, ...]
    regions: tuple[str, ...]
    sites: tuple[str, ...]
    reservation: Ints
    region: Ints
    site: Ints
    state: Ints
    asked: Floats
    share: csr_array
    rows: tuple[str, ...]
    limit: Floats


@dataclass(frozen=True)
class Floor:
    """What reservations should have at least in the domains of a family [RRU, `(R, G)`] (-infinity: anything); less pays `price`.

    It stands for a backbone where flows cannot be part of the search (`solvers/floors.py`); no plan is valued by it.
    """

    family: int
    least: Floats
    price: Floats


@dataclass(frozen=True)
class Prices:
    """What the objective weighs, in one currency: per server moved or used, per RRU of spread, buffer and shortage.

    `unserved` is paid for an RRU that users ask and cannot reach in one state, `congestion` for a Gbit/s above a link.
    """

    move: float = 1.0
    use: float = 0.05
    spread: float = 0.5
    buffer: float = 0.1
    shortage: float = 200.0
    unserved: float = 5.0
    congestion: float = 5.0


@dataclass(frozen=True)
class CapacityProblem:
    """Everything a plan of capacity is made of.

    Cells `[C]`: `servers` that may be assigned. Pairs `[P]`, sorted by (cell, reservation): `value` is what one server gives
    [RRU], `now` how many the reservation has. Reservations `[R]`: `demand` [RRU] that must be left after the loss of any one
    domain of each family that it `survives` `[R, F]`; a domain may hold `spread` x demand before `prices.spread` is paid for
    what is above (in the domains of `families[spread_family]`; infinity, or no demand: nothing is paid). Where there is a
    `backbone`, `site_of_cell` `[C]` says at which of its sites each cell stands. With `owned`, as in a fleet, servers go from
    owner to owner only: no cell has fewer with an owner than today.
    """

    cell_names: tuple[str, ...]
    reservation_names: tuple[str, ...]
    servers: Ints
    cell_type: Ints
    type_names: tuple[str, ...]
    pair_cell: Ints
    pair_reservation: Ints
    value: Floats
    now: Ints
    demand: Floats
    families: tuple[Family, ...]
    survives: Bools
    spread: Floats
    spread_family: int = 0
    budgets: tuple[Budget, ...] = ()
    affinity: Affinity | None = None
    backbone: Backbone | None = None
    site_of_cell: Ints | None = None
    floor: Floor | None = None
    prices: Prices = field(default_factory=Prices)
    owned: bool = False

    @property
    def cells(self) -> int:
        """Return the number of cells C."""
        return len(self.servers)

    @property
    def reservations(self) -> int:
        """Return the number of reservations R."""
        return len(self.demand)

    @property
    def pairs(self) -> int:
        """Return the number of pairs P."""
        return len(self.pair_cell)

    @cached_property
    def room(self) -> Ints:
        """Return how many servers each pair could gain, `[P]`: those of its cell that it does not have."""
        return np.maximum(self.servers[self.pair_cell] - self.now, 0)

    @cached_property
    def by_cell(self) -> csr_array:
        """Return the matrix `[C, P]` that adds up the pairs of each cell."""
        ones = np.ones(self.pairs)
        return csr_array((ones, (self.pair_cell, np.arange(self.pairs))), shape=(self.cells, self.pairs))

    @property
    def allowed(self) -> Floats:
        """Return what a reservation may have in one domain before it pays for spread `[R]`."""
        limited = np.isfinite(self.spread) & (self.demand > 0)
        return np.where(limited, np.where(limited, self.spread, 0.0) * self.demand, np.inf)

    @property
    def wanted(self) -> tuple[Floats, Floats]:
        """Return between which loads a reservation meets its share in each domain of the affinity `[R, G]` (infinite: any)."""
        wish = self.affinity
        assert wish is not None
        named = np.isfinite(wish.share) & (self.demand > 0)[:, None]
        share, demand = np.where(named, wish.share, 0.0), np.maximum(self.demand, 1e-12)[:, None]
        low = np.where(named, (share - wish.within) * demand, -np.inf)
        above = wish.within if wish.above is None else wish.above
        return low, np.where(named, (share + above) * demand, np.inf)

    def used(self, budget: Budget, counts: Floats | Ints) -> Floats:
        """Return what each row of a budget carries `[L]` when the pairs have these counts `[P]`."""
        return budget.share @ (self.by_cell @ (budget.weight * counts))

    def limits(self, budget: Budget) -> Floats:
        """Return the limits that hold, `[L]`: what is broken today must not get worse."""
        return np.maximum(budget.limit, self.used(budget, self.now))
