"""The ledger of one run: energy, carbon, water and money by domain, in whole units that add up exactly.

An *account* is what one thing (rack, service, owner, site, region) is charged. Floats never add up exactly, so the books
are kept in whole joules, milligrams, millilitres and millionths of a dollar, handed down from the run's total by largest
remainders: total → site → rack, and total → site → owner and service. A region is the sum of its sites.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.model.errors import UsageError, did_you_mean

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOBODY = "(nobody)"  # what is drawn while no rack of the site draws anything
IDLE = "(idle)"  # servers of an owner that no service keeps busy


class Quantity(NamedTuple):
    """A column of the books: the run's vector by site that it shares out, and whole units in one of the run's units."""

    name: str
    vector: str
    units: float


# The domains of the two partitions.
PLACE = ("region", "site", "rack")
USE = ("region", "site", "owner", "service")

QUANTITIES = (
    Quantity("it_j", "it_j", 1.0),
    Quantity("facility_j", "facility_j", 1.0),
    Quantity("carbon_mg", "carbon_g", 1e3),
    Quantity("energy_microusd", "energy_cost_usd", 1e6),
    Quantity("water_ml", "water_l", 1e3),
    Quantity("embodied_mg", "embodied_kg", 1e6),
    Quantity("servers_microusd", "server_cost_usd", 1e6),
)


@dataclass(frozen=True)
class Account:
    """What the thing named by `key` (one name per domain asked for; none: the whole fleet) is charged, in whole units.

    `carbon_mg` is operational; embodied carbon and the price of servers are written off over their lifetime. Overhead
    (losses, cooling, network) is negative where batteries or solar carry the load, a cost where the price is below zero.
    """

    key: tuple[str, ...]
    it_j: int
    facility_j: int
    carbon_mg: int
    energy_microusd: int
    water_ml: int
    embodied_mg: int
    servers_microusd: int

    @property
    def overhead_j(self) -> int:
        """Energy of the facility beyond IT."""
        return self.facility_j - self.it_j


@dataclass(frozen=True)
class Lines:
    """The finest lines of one partition that are charged anything: their row in each domain, its names, amounts `[Q, n]`."""

    rows: Mapping[str, Ints]
    names: Mapping[str, tuple[str, ...]]
    amounts: Ints


@dataclass(frozen=True)
class Ledger:
    """The books of one run: the same amounts once by place (region, site, rack), once by use (region, site, owner, service)."""

    places: Lines
    uses: Lines

    @property
    def total(self) -> Account:
        """What the whole fleet is charged."""
        return Account((), *map(int, self.places.amounts.sum(axis=1)))

    def by(self, *domains: str) -> tuple[Account, ...]:
        """Return an account of each thing of a domain, or of each combination, e.g. `by("rack")`, `by("site", "owner")`.

        They add up to `total` exactly. Raises UsageError for what is no domain, or racks together with owners or services.
        """
        lines = self._lines(domains)
        names = [lines.names[domain] for domain in domains]
        sizes = [len(known) for known in names]
        found, line = np.unique(
            np.ravel_multi_index([lines.rows[domain] for domain in domains], sizes), return_inverse=True
        )
        sums = np.zeros((len(found), len(lines.amounts)), dtype=np.int64)
        np.add.at(sums, line, lines.amounts.T)
        keys = np.stack(np.unravel_index(found, sizes), axis=1)
        return tuple(
            Account(tuple(known[i] for known, i in zip(names, key, strict=True)), *amounts)
            for key, amounts in zip(keys.tolist(), sums.tolist(), strict=True)
        )

    def _lines(self, domains: Sequence[str]) -> Lines:
        check_domains(domains)
        return self.places if set(domains) <= set(PLACE) else self.uses


def check_domains(domains: Sequence[str]) -> None:
    """Raise UsageError unless books are kept by these domains."""
    known = [*dict.fromkeys((*PLACE, *USE))]
    for domain in domains:
        if domain not in known:
            hint = did_you_mean(domain, known) or f"there are: {', '.join(known)}"
            raise UsageError(f"no domain {domain!r} ({hint})")
    if not domains:
        raise UsageError(f"name at least one domain of: {', '.join(known)}")
    if not any(set(domains) <= set(side) for side in (PLACE, USE)):
        raise UsageError("racks are not split by owner or service: ask for one or the other")


def handed_down(by_site: Floats, weights: Floats, site: Ints) -> Ints:
    """Return whole amounts `[Q, n]` of lines whose float amounts are `weights` `[Q, n]`.

    Those of a site `site[i]` add up to its whole amount, and all to the rounded sum of `by_site` `[Q, S]`.
    """
    out = np.zeros(weights.shape, dtype=np.int64)
    lines = [np.flatnonzero(site == s) for s in range(by_site.shape[1])]
    for row, values, amounts in zip(out, by_site, weights, strict=True):
        for total, mine in zip(apportion(values, round(math.fsum(values))).tolist(), lines, strict=True):
            row[mine] = apportion(amounts[mine], total)
    return out


def apportion(values: Floats, total: int) -> Ints:
    """Return whole numbers that add up to `total`, each next to its value (largest remainders; zero stays zero).

    Where the values add up to something else, the difference is shared in proportion to their size first. Values may
    be negative.

    Raises
    ------
    ValueError
        If there is something to share and all values are zero.
    """
    size = np.abs(values)
    if not size.any():
        if total:
            raise ValueError(f"nobody to charge {total} to")
        return np.zeros(len(values), dtype=np.int64)
    exact = values + (total - math.fsum(values)) * (size / size.sum())
    low = np.floor(exact)
    out = low.astype(np.int64)
    order = np.argsort(low - exact, kind="stable")
    order = order[size[order] > 0]
    each, rest = divmod(total - int(out.sum()), len(order))
    out[order] += each
    out[order[:rest]] += 1
    return out
