"""Small problems of capacity: a toy that can be read, random ones with everything in them, and the same under other names."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array

from solvers.problem import Affinity, Budget, CapacityProblem, Family, Prices
from tests.solvers.score import score

Ints = NDArray[np.int64]


def toy() -> CapacityProblem:
    """Return two boards of two rows each: `web` runs on both types, `ml` on the second only; `idle` has no demand."""
    share = csr_array(np.array([[1.0, 1.0, 0.0], [0.0, 0.5, 1.0]]))
    owner = np.array([0, 2, 0, 1, 2, 0, 1])
    kind = np.array([0, 1, 1])
    watts = np.array([100.0, 0.0, 150.0, 150.0, 0.0, 150.0, 150.0])
    new, wanted = csr_array(np.array([[0.0, 1.0, 1.0]])), (owner != 2).astype(float)
    return CapacityProblem(
        cell_names=("b1/old", "b1/new", "b2/new"),
        reservation_names=("web", "ml", "idle"),
        servers=np.array([8, 6, 9]),
        cell_type=kind,
        type_names=("old", "new"),
        pair_cell=np.array([0, 0, 1, 1, 1, 2, 2]),
        pair_reservation=owner,
        value=np.array([1.0, 1.0, 1.5, 2.0, 1.0, 1.5, 2.0]),
        now=np.array([5, 2, 1, 2, 3, 4, 1]),
        demand=np.array([9.0, 5.0, 0.0]),
        families=(
            Family("board", ("b1", "b2"), np.array([0, 0, 1])),
            Family("row", ("r1", "r2"), np.array([0, 1, -1])),
            Family("site", ("here", "there"), np.array([0, 0, 1])),
        ),
        survives=np.array([[True, True, False], [True, False, False], [False, False, False]]),
        spread=np.array([0.5, np.inf, 0.5]),
        budgets=(
            Budget("power", "VA", ("b1", "b2 after the loss of b1"), share, watts, np.array([1000.0, 1200.0])),
            Budget("spare servers", "servers", ("new",), new, wanted, np.array([13.0]), 20.0),
        ),
        affinity=Affinity(2, np.array([[0.5, 0.5], [np.nan, 0.75], [np.nan, np.nan]]), 0.05, 0.25),
    )  # fmt: skip


@st.composite
def problems(draw: st.DrawFn, pairs: int = 8) -> CapacityProblem:
    """Draw a problem with several families, hard and soft budgets, shares, no demand, no allowance; at most so many pairs."""
    return random_problem(draw(st.integers(0, 2**32 - 1)), pairs)


def random_problem(seed: int, pairs: int = 8) -> CapacityProblem:
    """Return the problem of a seed."""
    rng = np.random.default_rng(seed)
    cells, owners = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    known = [(c, r) for c, r in product(range(cells), range(owners)) if rng.random() < 0.75][:pairs] or [
        (0, 0)
    ]
    cell, owner = (np.array(part, dtype=np.int64) for part in zip(*known, strict=True))
    servers = rng.integers(0, 4 if len(cell) <= 4 else 9, cells)
    now, left = np.zeros(len(cell), np.int64), servers.copy()
    for p in rng.permutation(len(cell)):
        now[p] = rng.integers(0, left[cell[p]] + 1)
        left[cell[p]] -= now[p]
    value = np.round(rng.uniform(0.3, 3.0, len(cell)), 2)
    families = tuple(_family(rng, f"family{f}", cells) for f in range(rng.integers(1, 4)))
    demand = np.round(rng.uniform(0, 8, owners) * (rng.random(owners) < 0.8), 2)
    shares = rng.dirichlet(np.ones(len(families[-1].domains)), owners)
    shares[rng.random(shares.shape) < 0.3] = np.nan
    wish = Affinity(
        len(families) - 1,
        shares,
        float(rng.uniform(0, 0.2)),
        float(rng.choice([0.0, 0.1, np.inf])),
        float(rng.uniform(0, 4)),
    )
    return CapacityProblem(
        cell_names=tuple(f"c{c}" for c in range(cells)),
        reservation_names=tuple(f"r{r}" for r in range(owners)),
        servers=servers,
        cell_type=rng.integers(0, 2, cells),
        type_names=("old", "new"),
        pair_cell=cell,
        pair_reservation=owner,
        value=value,
        now=now,
        demand=demand,
        families=families,
        survives=(rng.random((owners, len(families))) < 0.6) & (demand > 0)[:, None],
        spread=np.where(rng.random(owners) < 0.3, np.inf, rng.uniform(0, 1, owners)),
        spread_family=int(rng.integers(len(families))),
        budgets=tuple(_budget(rng, b, cells, len(cell)) for b in range(rng.integers(0, 3))),
        affinity=wish if rng.random() < 0.6 else None,
        prices=Prices(*np.round(rng.uniform(0, 2, 4), 2), float(rng.choice([0.5, 5.0, 200.0]))),
        owned=bool(rng.random() < 0.4),
    )  # fmt: skip


def _family(rng: np.random.Generator, name: str, cells: int) -> Family:
    size = int(rng.integers(1, 4))
    return Family(name, tuple(f"{name}-{g}" for g in range(size)), rng.integers(-1, size, cells))


def _budget(rng: np.random.Generator, number: int, cells: int, pairs: int) -> Budget:
    rows = int(rng.integers(1, 3))
    share = np.round(rng.uniform(0, 1, (rows, cells)) * (rng.random((rows, cells)) < 0.7), 2)
    weight = np.round(rng.uniform(0, 2, pairs), 2)
    price = float(rng.choice([np.inf, 0.3, 3.0]))
    names = tuple(f"row{number}-{i}" for i in range(rows))
    return Budget(f"budget {number}", "W", names, csr_array(share), weight, rng.uniform(0, 8, rows), price)


def by_counting(problem: CapacityProblem) -> float:
    """Return the least score over all whole counts that break nothing."""
    most = problem.servers[problem.pair_cell]
    scores = (score(problem, counts) for counts in product(*(range(n + 1) for n in most)))
    return min(found.objective for found in scores if not found.violations)


def server_by_server(problem: CapacityProblem) -> CapacityProblem:
    """Return the problem with a cell per server: those that are taken first, in the order of the pairs."""
    cell = np.repeat(np.arange(problem.cells), problem.servers)
    first = np.cumsum(problem.servers) - problem.servers
    has = np.full(len(cell), -1)
    place = first.copy()
    for p, count in enumerate(problem.now):
        c = problem.pair_cell[p]
        has[place[c] : place[c] + count] = problem.pair_reservation[p]
        place[c] += count
    old = [(s, p) for s in range(len(cell)) for p in np.flatnonzero(problem.pair_cell == cell[s])]
    server, pair = (np.array(part, dtype=np.int64) for part in zip(*old, strict=True))
    return replace(
        problem,
        cell_names=tuple(f"s{i}" for i in range(len(cell))),
        servers=np.ones(len(cell), np.int64),
        cell_type=problem.cell_type[cell],
        pair_cell=server,
        pair_reservation=problem.pair_reservation[pair],
        value=problem.value[pair],
        now=(has[server] == problem.pair_reservation[pair]).astype(np.int64),
        families=tuple(replace(family, of_cell=family.of_cell[cell]) for family in problem.families),
        budgets=tuple(
            replace(b, share=csr_array(b.share.toarray()[:, cell]), weight=b.weight[pair])
            for b in problem.budgets
        ),
    )


def renamed(problem: CapacityProblem, seed: int) -> CapacityProblem:
    """Return the problem with cells, reservations and domains in another order and under other names."""
    rng = np.random.default_rng(seed)
    cells, owners = rng.permutation(problem.cells), rng.permutation(problem.reservations)
    to_cell, to_owner = np.argsort(cells), np.argsort(owners)
    cell, owner = to_cell[problem.pair_cell], to_owner[problem.pair_reservation]
    pairs = np.lexsort((owner, cell))
    orders = [rng.permutation(len(family.domains)) for family in problem.families]
    families = []
    for family, order in zip(problem.families, orders, strict=True):
        to, old = np.append(np.argsort(order), -1), family.of_cell[cells]
        families.append(Family(family.name + "!", tuple(f"d{g}" for g in order), to[old]))
    wish = problem.affinity
    return replace(
        problem,
        cell_names=tuple(f"x{c}" for c in cells),
        reservation_names=tuple(f"y{r}" for r in owners),
        servers=problem.servers[cells],
        cell_type=problem.cell_type[cells],
        pair_cell=cell[pairs],
        pair_reservation=owner[pairs],
        value=problem.value[pairs],
        now=problem.now[pairs],
        demand=problem.demand[owners],
        families=tuple(families),
        survives=problem.survives[owners],
        spread=problem.spread[owners],
        budgets=tuple(
            replace(
                b, name=f"z {b.name}", share=csr_array(b.share.toarray()[:, cells]), weight=b.weight[pairs]
            )
            for b in problem.budgets
        ),
        affinity=wish and replace(wish, share=wish.share[owners][:, orders[wish.family]]),
    )
