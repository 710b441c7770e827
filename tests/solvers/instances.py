"""Instances: made-up capacity problems of stated sizes, the same for everybody from a name and a seed.

What they have of a real fleet: old switchboards hold old types; demand is heavy-tailed; 85 to 91 % of the servers are
assigned; every demand drifted by up to 15 % since yesterday; a fifth of the reservations wants stated shares per site; some
switchboards draw more than their budget today; a tenth of the reservations accepts two new types only (*scarce* families,
which are tight on some seeds). The parameters were fixed by looking at the value of the LP alone, before any solver ran.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from solvers.problem import Affinity, Budget, CapacityProblem, Family

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Size:
    """How large an instance is; `rows` power rows below each switchboard (1: there are none)."""

    servers: int
    sites: int
    boards: int
    types: int
    reservations: int
    rows: int = 1


SIZES = {
    "tiny": Size(600, 2, 6, 4, 8),
    "small": Size(10_004, 3, 36, 8, 30),
    "small-sb4": Size(10_008, 3, 36, 8, 30, 4),
    "medium": Size(99_992, 6, 100, 10, 100),
    "medium-sb4": Size(99_980, 6, 100, 10, 100, 4),
    "large": Size(1_000_002, 12, 500, 12, 300),
}
TYPES_PER_BOARD = 5
ACCEPTED = 0.45  # of the types, by an ordinary reservation
SCARCE = 0.1  # of the reservations: two of the newest types only
CROWD = (0.75, 1.1)  # of the newest types, what the scarce reservations have of them
ASSIGNED = (0.85, 0.91)
DRIFT = 0.15
AFFINE = 0.2
UTILISATION = (0.55, 0.9)


@dataclass(frozen=True)
class Plant:
    """The cells of an instance: type, switchboard, row and site of each, servers, and a name."""

    servers: Ints
    type: Ints
    board: Ints
    row: Ints
    site_of_board: Ints

    @property
    def site(self) -> Ints:
        """Return the site of each cell."""
        return self.site_of_board[self.board]


def instance(name: str, seed: int = 0) -> CapacityProblem:
    """Return the instance of this name (a key of `SIZES`) and seed."""
    size = SIZES[name]
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, size.servers])))
    plant = _plant(rng, size)
    watts = 320.0 * 1.06 ** np.arange(size.types) * rng.uniform(0.95, 1.05, size.types)
    value = _values(rng, size)
    cell, reservation = np.nonzero(value[:, plant.type].T > 0)
    now = _yesterday(rng, size, plant, (cell, reservation))
    worth = value[reservation, plant.type[cell]]
    boards = np.array([len(np.unique(plant.board[cell[reservation == r]])) for r in range(size.reservations)])
    had = np.bincount(reservation, worth * now, size.reservations)
    drift = rng.uniform(1 - DRIFT, 1 + DRIFT, size.reservations)
    survives = np.zeros((size.reservations, 3 if size.rows > 1 else 2), dtype=bool)
    survives[:, 0] = True
    return CapacityProblem(
        cell_names=tuple(
            f"msb{b}-sb{w}/type{t}" for b, w, t in zip(plant.board, plant.row, plant.type, strict=True)
        ),
        reservation_names=tuple(f"reservation{r}" for r in range(size.reservations)),
        servers=plant.servers,
        cell_type=plant.type,
        type_names=tuple(f"type{t}" for t in range(size.types)),
        pair_cell=cell.astype(np.int64),
        pair_reservation=reservation.astype(np.int64),
        value=worth,
        now=now,
        demand=np.round(had * (1 - 2 / (boards + 2)) * drift, 3),
        families=_families(size, plant),
        survives=survives,
        spread=1.5 / boards,
        budgets=_budgets(
            rng,
            size,
            plant,
            watts[plant.type[cell]] * rng.uniform(*UTILISATION, size.reservations)[reservation],
        ),
        affinity=_affinity(rng, size, plant, (cell, reservation, worth * now)),
    )


def without(problem: CapacityProblem, domain: int, family: int = 0) -> CapacityProblem:
    """Return the problem after the loss of a domain: its servers are gone, and nobody has them any more."""
    lost = problem.families[family].of_cell == domain
    return replace(
        problem,
        servers=np.where(lost, 0, problem.servers),
        now=np.where(lost[problem.pair_cell], 0, problem.now),
    )


def _plant(rng: np.random.Generator, size: Size) -> Plant:
    """Return the cells: five types on each switchboard, near the generation of its age; rows share each type."""
    site = np.arange(size.boards) * size.sites // size.boards
    centre = rng.uniform(0, size.types - 1, size.boards)
    weights = np.exp(-(((np.arange(size.types)[None, :] - centre[:, None]) / 2.0) ** 2) / 2)
    keys = (
        rng.exponential(size=weights.shape) / weights
    )  # the smallest keys: a draw without replacement by weight
    kept = np.sort(np.argsort(keys, axis=1)[:, : min(TYPES_PER_BOARD, size.types)], axis=1)
    share = (
        rng.dirichlet(np.full(kept.shape[1], 2.0), size.boards) * rng.uniform(0.8, 1.2, size.boards)[:, None]
    )
    split = rng.dirichlet(np.full(size.rows, 8.0), kept.shape) if size.rows > 1 else np.ones((*kept.shape, 1))
    exact = (share[:, :, None] * split).transpose(0, 2, 1)  # board, row, type
    servers = _whole(exact.ravel() * size.servers / exact.sum(), size.servers)
    board, row, nth = (index.ravel() for index in np.indices(exact.shape))
    there = servers > 0
    types = kept[board, nth]
    return Plant(servers[there], types[there], board[there], row[there], site)


def _whole(exact: Array, total: int) -> Ints:
    """Round to integers of this total (largest remainders)."""
    floor = np.floor(exact).astype(np.int64)
    up = np.argsort(floor - exact, kind="stable")[: total - int(floor.sum())]
    floor[up] += 1
    return floor


def _newest(size: Size) -> int:
    """Return the first of the newest types, a third of them."""
    return size.types - max(2, size.types // 3)


def _scarce(size: Size) -> int:
    """Return how many reservations, the first ones, accept only two of the newest types."""
    return max(2, round(SCARCE * size.reservations))


def _values(rng: np.random.Generator, size: Size) -> Array:
    """Return what a server of a type gives a reservation `[R, T]`, in thousandths of an RRU; 0: not accepted."""
    performance = 1.1 ** np.arange(size.types) * rng.uniform(0.95, 1.05, size.types)
    value = np.round(performance * rng.lognormal(0.0, 0.12, (size.reservations, size.types)), 3)
    accepted = rng.random(value.shape) < ACCEPTED
    order = np.argsort(rng.random(value.shape), axis=1)
    np.put_along_axis(accepted, order[:, :2], True, axis=1)  # at least two
    newest = _newest(size)
    for r in range(_scarce(size)):
        accepted[r] = False
        accepted[r, newest + rng.permutation(size.types - newest)[:2]] = True
    return np.where(accepted, value, 0.0)


def _yesterday(rng: np.random.Generator, size: Size, plant: Plant, pairs: tuple[Ints, Ints]) -> Ints:
    """Return who has what: heavy-tailed wishes, scaled in turn to the wishes and the cells, rounded within cells."""
    cell, reservation = pairs
    wish = np.minimum(rng.pareto(1.3, size.reservations) + 0.2, 15.0)
    supply = np.bincount(reservation, plant.servers[cell], size.reservations)
    assigned, scarce = size.servers * rng.uniform(*ASSIGNED), _scarce(size)
    crowd = plant.servers[plant.type >= _newest(size)].sum() * rng.uniform(*CROWD)
    for _ in range(50):  # nobody has more than half of what it accepts; the others have the rest
        wish[:scarce] = np.minimum(wish[:scarce] * crowd / wish[:scarce].sum(), 0.5 * supply[:scarce])
        rest = assigned - wish[:scarce].sum()
        wish[scarce:] = np.minimum(wish[scarce:] * rest / wish[scarce:].sum(), 0.5 * supply[scarce:])
    n = plant.servers[cell] * rng.lognormal(0.0, 1.2, len(cell))
    for _ in range(60):
        n *= (wish / np.bincount(reservation, n, size.reservations))[reservation]
        n *= np.minimum(plant.servers / np.bincount(cell, n, len(plant.servers)).clip(1e-9), 1.0)[cell]
    ends = np.cumsum(n)
    start = np.concatenate([[0.0], ends])[np.searchsorted(cell, np.arange(len(plant.servers)))]
    offset = rng.random(len(plant.servers)) - start  # systematic rounding: a cell's sum stays within one
    whole = np.floor(ends + offset[cell] - 1e-7).astype(np.int64)
    first = np.concatenate([[True], cell[1:] != cell[:-1]])
    return np.where(first, whole, whole - np.concatenate([[0], whole[:-1]])).clip(0)


def _families(size: Size, plant: Plant) -> tuple[Family, ...]:
    """Return switchboards (which are survived), sites, and rows where there are any."""
    boards = Family("switchboard", tuple(f"msb{b}" for b in range(size.boards)), plant.board)
    sites = Family("site", tuple(f"site{s}" for s in range(size.sites)), plant.site)
    if size.rows == 1:
        return boards, sites
    rows = tuple(f"msb{b}-sb{w}" for b in range(size.boards) for w in range(size.rows))
    return boards, sites, Family("row", rows, plant.board * size.rows + plant.row)


def _budgets(rng: np.random.Generator, size: Size, plant: Plant, weight: Array) -> tuple[Budget, ...]:
    """Return the power of each switchboard and, where there are rows, of each row."""
    mean = 320.0 * 1.06**plant.type * np.mean(UTILISATION) * plant.servers
    budgets = [_budget(rng, "switchboard", (plant.board, size.boards), mean, weight, (0.85, 1.0))]
    if size.rows > 1:
        of_cell = plant.board * size.rows + plant.row
        budgets.append(_budget(rng, "row", (of_cell, size.boards * size.rows), mean, weight, (0.88, 1.06)))
    return tuple(budgets)


def _budget(
    rng: np.random.Generator,
    name: str,
    rows: tuple[Ints, int],
    mean: Array,
    weight: Array,
    part: tuple[float, float],
) -> Budget:
    """Return a budget of a part of what the cells of each row would draw if all their servers were assigned."""
    of_cell, count = rows
    share = csr_array(
        (np.ones(len(of_cell)), (of_cell, np.arange(len(of_cell)))), shape=(count, len(of_cell))
    )
    limit = np.round(share @ mean * rng.uniform(*part, count))
    return Budget(name, "W", tuple(f"{name}{i}" for i in range(count)), share, weight, limit)


def _affinity(
    rng: np.random.Generator, size: Size, plant: Plant, pairs: tuple[Ints, Ints, Array]
) -> Affinity:
    """Return shares per site halfway between yesterday's and a draw, for a fifth of the reservations."""
    cell, reservation, load = pairs
    there = np.zeros((size.reservations, size.sites))
    np.add.at(there, (reservation, plant.site[cell]), load)
    wanted = rng.dirichlet(np.full(size.sites, 3.0), size.reservations)
    share = np.round(0.5 * wanted + 0.5 * there / there.sum(axis=1, keepdims=True).clip(1e-9), 3)
    share[rng.random(size.reservations) >= AFFINE] = np.nan
    return Affinity(family=1, share=share)
