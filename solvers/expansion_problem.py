"""The expansion problem: what to buy, build, move and retire, when and where, as arrays.

A *cell* is a server type at a site; a *pair* is a cell and a service that may run on its servers. Months are counted from 0. A
*module* is a block of power (and room) that a site can build; a *lead time* is how many months lie between an order and the month
in which it serves. A *scenario* is one course of the demand with its probability: orders are the same in all of them. A *relative
resource unit* (RRU) is what demand and servers are counted in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from twin.model.errors import FleetwinError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEAST_MONTHS, MOST_MONTHS = 12, 36
HOURS_PER_MONTH = 730.5


class ExpansionError(FleetwinError):
    """A problem of expansion that is none; lists everything wrong in it."""


@dataclass(frozen=True)
class ExpansionPrices:
    """What everything costs, in USD. Payments are due when the order is placed and count less later, by `discount` per year.

    A server of type k `server` `[K]`, a module at site s `module` `[S]`, a month of a powered server of a cell `running` `[C]`, a
    server retired or moved to another site, and a missing RRU of service v for a month `short` `[V]`. `budget` `[Y]` limits what
    is ordered in each year of the horizon (infinity: it does not).
    """

    server: Floats
    module: Floats
    running: Floats
    short: Floats
    budget: Floats
    retire: float = 100.0
    move: float = 600.0
    discount: float = 0.08


@dataclass(frozen=True)
class ExpansionProblem:
    """Everything a plan of expansion is made of: T months, S sites, K types, V services, C cells, P pairs, W scenarios.

    `now` `[C]` servers stand there today, of which `aged` `[T, C]` have come to the end of their life by month t and leave;
    where a cell
    is `early` `[C]` they may leave before. One server of a
    pair gives `value` `[P]` RRU. Servers of type k draw at most `watts` `[K]`, take `height_u` `[K]`, come in batches of `batch`
    `[K]` after `lead` `[K]` months, and only where a cell is `buyable` `[C]`. Site s may draw `power_w` `[S]` and holds `space_u`
    `[S]`; each of at most `module_most` `[S]` modules adds `module_w` and `module_u` after `module_lead` months. `demand`
    `[W, T, V]` in RRU has the `probability` `[W]`.
    """

    site_names: tuple[str, ...]
    type_names: tuple[str, ...]
    service_names: tuple[str, ...]
    scenario_names: tuple[str, ...]
    cell_site: Ints
    cell_type: Ints
    now: Ints
    aged: Ints
    early: Bools
    buyable: Bools
    pair_cell: Ints
    pair_service: Ints
    value: Floats
    watts: Floats
    height_u: Floats
    batch: Ints
    lead: Ints
    power_w: Floats
    space_u: Floats
    module_w: float
    module_u: float
    module_lead: int
    module_most: Ints
    demand: Floats
    probability: Floats
    prices: ExpansionPrices

    @property
    def months(self) -> int:
        """Return the number of months T."""
        return int(self.demand.shape[1])

    @property
    def cells(self) -> int:
        """Return the number of cells C."""
        return len(self.now)

    @property
    def sites(self) -> int:
        """Return the number of sites S."""
        return len(self.site_names)

    @property
    def scenarios(self) -> int:
        """Return the number of scenarios W."""
        return len(self.probability)

    @cached_property
    def cell_names(self) -> tuple[str, ...]:
        """Return the cells as people call them: "ams1/compute"."""
        pairs = zip(self.cell_site.tolist(), self.cell_type.tolist(), strict=True)
        return tuple(f"{self.site_names[s]}/{self.type_names[k]}" for s, k in pairs)

    @cached_property
    def discounted(self) -> Floats:
        """Return what a dollar paid in month t is worth today, `[T]`."""
        return (1.0 + self.prices.discount) ** (-np.arange(self.months) / 12.0)

    @cached_property
    def power_limit_w(self) -> Floats:
        """Return what each site may draw `[S]`: what is above its limit today must not get worse."""
        return np.maximum(self.power_w, self.per_site(self.now * self.watts[self.cell_type]))

    @cached_property
    def space_limit_u(self) -> Floats:
        """Return what each site may hold `[S]`, in the same way."""
        return np.maximum(self.space_u, self.per_site(self.now * self.height_u[self.cell_type]))

    def per_site(self, of_cell: Floats) -> Floats:
        """Add up cells `[..., C]` by site, `[..., S]`."""
        return grouped(of_cell, self.cell_site, self.sites)

    def refuse_nonsense(self) -> None:
        """Raise ExpansionError that lists every number that no problem can have."""
        problems = list(_nonsense(self))
        if problems:
            raise ExpansionError("no plan of expansion can be made: " + "; ".join(problems))

    def unserved(self) -> tuple[str, ...]:
        """Return the services that no server, present or to be bought, can serve: they stay short, at a price."""
        useful = (self.value > 0) & (self.buyable | (self.now > 0))[self.pair_cell]
        served = set(self.pair_service[useful].tolist())
        wanted = self.demand.max(axis=(0, 1), initial=0.0) > 0
        return tuple(name for v, name in enumerate(self.service_names) if wanted[v] and v not in served)


def grouped(values: Floats | Ints, group: Ints, size: int) -> Floats:
    """Add up the last axis `[..., N]` by group, `[..., size]`."""
    ones = np.ones(len(group))
    members = csr_array((ones, (group, np.arange(len(group)))), shape=(size, len(group)))
    rows = int(np.prod(values.shape[:-1]))  # not -1, which an empty last axis leaves open
    sums: Floats = members @ values.reshape(rows, len(group)).T
    return sums.T.reshape(*values.shape[:-1], size)


def _nonsense(problem: ExpansionProblem) -> Iterator[str]:
    """Yield what is wrong, one sentence each."""
    months = problem.months
    if not LEAST_MONTHS <= months <= MOST_MONTHS:
        yield f"{months} months; a horizon has {LEAST_MONTHS} to {MOST_MONTHS}"
    prices = problem.prices
    named = {
        "the demand": problem.demand,
        "the probabilities of the scenarios": problem.probability,
        "the servers of today": problem.now,
        "what a server gives": problem.value,
        "the power of the sites": problem.power_w,
        "the space of the sites": problem.space_u,
        "the price of servers": prices.server,
        "the price of modules": prices.module,
        "the price of what is missing": prices.short,
        "the power of a module": np.array([problem.module_w]),
        "the room of a module": np.array([problem.module_u]),
        "the costs of retiring and moving": np.array([prices.retire, prices.move]),
        "the lead times": np.append(problem.lead, problem.module_lead),
    }
    for what, numbers in named.items():
        if not np.isfinite(numbers).all() or (numbers < 0).any():
            yield f"{what} must be finite and not negative"
    if np.isnan(prices.budget).any() or (prices.budget < 0).any():
        yield "a budget is negative; leave it out for none, or give 0 for nothing to be bought"
    if not np.isfinite(prices.running).all():
        yield "the cost of running a server must be finite"
    if (problem.watts <= 0).any() or (problem.height_u <= 0).any() or (problem.batch < 1).any():
        yield "every type needs a power, a height and a batch of at least one server"
    if abs(problem.probability.sum() - 1.0) > 1e-6:
        yield f"the probabilities of the scenarios add up to {problem.probability.sum():g}, not 1"
    if not -1.0 < prices.discount < 10.0:
        yield f"a discount of {prices.discount:g} per year"
