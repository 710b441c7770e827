"""Swaps: two racks of a site exchange the owners of servers of one type, so that load goes from one feed to another.

A rack of class X has servers of owner a, one of class Y as many of owner b. After the swap those of X belong to b and those
of Y to a: every reservation has what it had of each type at the site, nothing is carried, and X draws what servers of b draw.
So services that draw much and services that draw little change places in the power tree (SmoothOperator: Hsu et al., ASPLOS
2018, doi:10.1145/3173162.3173190). A swap of two racks exchanges as many servers as both have.

What a reservation *keeps* at a site after the loss of a rack or of another failure domain there is what it has elsewhere at
the site. The worst of each family must not get worse: no rack (a condition of candidates) and no other domain (rows of the
program) gets more of an owner's than the fullest of the site has today.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product, starmap

import numpy as np

from solvers.power_classes import Held, RackClass, domains_of
from twin.graph.levels import Floats, Ints
from twin.model.fleet import Fleet

# Draws that differ by less are alike: a swap would be work for nothing.
ALIKE = 1e-3
Side = tuple[int, Held]  # a class, and what each of its racks gives away


@dataclass(frozen=True)
class Standing:
    """What owners have in racks and other failure domains today [RRU], and in the fullest of each site and family."""

    has: dict[tuple[str, str], float]
    site: dict[str, str]
    fullest: dict[tuple[str, str, str], float]

    def room(self, owner: str, domain: str) -> float:
        """Return what a domain may still get of an owner's [RRU]."""
        most = self.fullest.get((owner, self.site[domain], _family(domain)), 0.0)
        return most - self.has.get((owner, domain), 0.0)


@dataclass(frozen=True)
class Swap:
    """A rack of each of two classes: whose servers of which type change hands, how many, and who owned them before."""

    classes: tuple[int, int]
    kind: str
    owners: tuple[str, str]
    count: int
    rru: tuple[float, float]

    @property
    def servers(self) -> int:
        """Return how many servers change their owner."""
        return 2 * self.count


@dataclass(frozen=True)
class Swaps:
    """Candidates [J] and the failure domains of owners [D] that they could fill above today's fullest.

    Side i of swap j is a rack of class `rack_class[j, i]` that draws `more_va` and `more_w` more than before (negative: less)
    and has `more_budget_w` more of its budget left. A swap puts `puts_rru[d, j]` into domain d, which has `room_rru[d]` left.
    """

    each: tuple[Swap, ...]
    rack_class: Ints
    more_va: Floats
    more_w: Floats
    more_budget_w: Floats
    domain: tuple[tuple[str, str], ...]
    room_rru: Floats
    puts_rru: Floats


def swaps_of(fleet: Fleet, classes: Sequence[RackClass]) -> Swaps:
    """Return what can be swapped to any effect: draws differ, and so do the feeds or what budgets leave.

    Racks with stored copies keep their owners (servers are wiped), and so do those that draw less than their servers would: dark
    ones. Cost: pairs of classes of a site.
    """
    sides = list(_sides(fleet, classes))
    standing = _standing(fleet) if sides else Standing({}, {}, {})
    found = [
        (swap, more_w)
        for swap, more_w in starmap(_swap, _pairs(sides))
        if all(_may(classes, swap, more_w, i, standing) for i in (0, 1))
    ]
    rack_class = np.array([swap.classes for swap, _ in found], dtype=np.int64).reshape(-1, 2)
    more_w = np.array([more_w for _, more_w in found], dtype=np.float64).reshape(-1, 2)
    va_per_w = np.array([one.load_va / one.load_w if one.load_w > 0 else 1.0 for one in classes])
    spare_w = np.array([one.spare_w for one in classes])[rack_class]
    left_w = np.where(np.isfinite(spare_w), spare_w, 0.0)
    more_budget_w = np.maximum(left_w - more_w, 0.0) - np.maximum(left_w, 0.0)
    more_budget_w[~np.isfinite(spare_w)] = 0.0
    home = np.array([one.home for one in classes], dtype=np.int64)[rack_class]
    kept = np.flatnonzero((home[:, 0] != home[:, 1]) | more_budget_w.any(axis=1))
    each = tuple(found[j][0] for j in kept)
    return Swaps(
        each,
        rack_class[kept],
        (more_w * va_per_w[rack_class])[kept],
        more_w[kept],
        more_budget_w[kept],
        *_domains(classes, each, standing),
    )


def _sides(fleet: Fleet, classes: Sequence[RackClass]) -> Iterator[tuple[tuple[str, str], Side]]:
    """Yield what classes could give away, with its site and type."""
    for r, one in enumerate(classes):
        if not one.holds and sum(held.count * held.server_w for held in one.held) <= one.load_w * (1 + 1e-9):
            for held in one.held:
                yield (fleet.things[one.racks[0]][1].site, held.kind), (r, held)


def _pairs(sides: Sequence[tuple[tuple[str, str], Side]]) -> Iterator[tuple[Side, Side]]:
    """Yield sides of one site and type, in different classes, of different owners whose servers draw otherwise."""
    alike: dict[tuple[str, str], list[Side]] = {}
    for key, side in sides:
        alike.setdefault(key, []).append(side)
    for one, other in chain.from_iterable(combinations(group, 2) for group in alike.values()):
        (r, mine), (q, theirs) = one, other
        apart = abs(mine.server_w - theirs.server_w) > ALIKE * max(mine.server_w, theirs.server_w)
        if r != q and mine.owner != theirs.owner and apart:
            yield one, other


def _swap(one: Side, other: Side) -> tuple[Swap, tuple[float, float]]:
    """Return the swap of two sides, and what a rack of each draws more afterwards [W]."""
    (r, mine), (q, theirs) = one, other
    count = min(mine.count, theirs.count)
    more_w = count * (theirs.server_w - mine.server_w)
    swap = Swap((r, q), mine.kind, (mine.owner, theirs.owner), count, (mine.server_rru, theirs.server_rru))
    return swap, (more_w, -more_w)


def _may(
    classes: Sequence[RackClass],
    swap: Swap,
    more_w: tuple[float, float],
    side: int,
    standing: Standing,
) -> bool:
    """Tell whether a rack may take what it gets: its budget holds, and it does not become the fullest of the owner."""
    one, owner = classes[swap.classes[side]], swap.owners[1 - side]
    room = standing.room(owner, f"rack {one.racks[0]}")
    return more_w[side] <= one.budget_w and swap.count * swap.rru[1 - side] <= room + 1e-9 * abs(room)


def _domains(
    classes: Sequence[RackClass], swaps: Sequence[Swap], standing: Standing
) -> tuple[tuple[tuple[str, str], ...], Floats, Floats]:
    """Return (owner, domain) pairs, what each may still get, and what each swap puts there."""
    puts: dict[tuple[str, str], dict[int, float]] = {}
    for j, swap in enumerate(swaps):
        for side, r in enumerate(swap.classes):
            for domain, i in product(classes[r].domains, (0, 1)):
                row = puts.setdefault((swap.owners[i], domain), {})
                row[j] = row.get(j, 0.0) + swap.count * swap.rru[i] * (-1.0 if i == side else 1.0)
    pairs = [pair for pair, row in puts.items() if any(rru > 0 for rru in row.values())]
    matrix = np.zeros((len(pairs), len(swaps)))
    for d, pair in enumerate(pairs):
        matrix[d, list(puts[pair])] = list(puts[pair].values())
    room = np.array([standing.room(owner, domain) for owner, domain in pairs], dtype=np.float64)
    return tuple(pairs), room, matrix


def _standing(fleet: Fleet) -> Standing:
    kinds = {kind.name: kind for kind in fleet.server_types}
    owners = {row.name: row for row in fleet.reservations}
    domains = {rack: (f"rack {rack}", *others) for rack, others in domains_of(fleet).items()}
    site = {domain: rack.site for rack in fleet.racks for domain in domains[rack.name]}
    has: dict[tuple[str, str], float] = {}
    for group in fleet.server_groups:
        rru = group.count * owners[group.owner].worth(kinds[group.type])
        for domain in domains[group.rack]:
            has[group.owner, domain] = has.get((group.owner, domain), 0.0) + rru
    fullest: dict[tuple[str, str, str], float] = {}
    for (owner, domain), rru in has.items():
        key = owner, site[domain], _family(domain)
        fullest[key] = max(fullest.get(key, 0.0), rru)
    return Standing(has, site, fullest)


def _family(domain: str) -> str:
    return domain.partition(" ")[0]
