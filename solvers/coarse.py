"""A coarse problem: cells of one type in a cluster are one cell, and its linear program takes seconds, not many minutes.

Prices of a type hardly differ from cell to cell, and steps cell by cell find a price that a whole type needs too slowly. A
*cluster* is domains of the spread family with about the same types, inside one domain of the family that shares are wanted in
(a site). What a cluster holds is taken to be spread evenly over it: a loss takes 1/k of it, where k domains of the family have
servers for a reservation, and spread is paid above k allowances. The bound is not taken from here: the oracle proves one at
these prices, as at any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from solvers.formulations.capacity import capacity_program, groups_of
from solvers.guide import Guide, guide_of
from solvers.highs import Highs
from solvers.linear import LinearProgram, block_name
from solvers.problem import Budget, CapacityProblem, Family, Floats, Ints

CLUSTERS = 48  # about so many: the linear program takes seconds


@dataclass(frozen=True)
class Coarse:
    """A coarse problem: the coarse cell of each cell `[C]`, pair of each pair `[P]`, row of each row of each budget."""

    problem: CapacityProblem
    cell: Ints
    pair: Ints
    rows: tuple[Ints, ...]


def coarse_of(problem: CapacityProblem, clusters: int = CLUSTERS) -> Coarse:
    """Return the coarse problem of a problem, of about so many clusters."""
    cluster = _clusters(problem, clusters)
    cells, cell = np.unique(np.stack([cluster, problem.cell_type]), axis=1, return_inverse=True)
    cell = cell.ravel()
    pairs, pair = np.unique(
        np.stack([cell[problem.pair_cell], problem.pair_reservation]), axis=1, return_inverse=True
    )
    pair = pair.ravel()
    servers = np.bincount(cell, problem.servers)
    part = problem.servers / np.maximum(servers, 1)[cell]
    of_pair = problem.servers[problem.pair_cell] + 1e-6
    mean = np.bincount(pair, of_pair)
    budgets, rows = [], []
    for budget in problem.budgets:
        made, row = _budget(problem, budget, (cluster, cell, part))
        weight = np.bincount(pair, of_pair * budget.weight) / mean
        budgets.append(replace(made, weight=weight))
        rows.append(row)
    families = tuple(_family(family, cluster, cell) for family in problem.families)
    made_of = replace(
        problem,
        cell_names=tuple(f"c{i}" for i in range(cells.shape[1])),
        servers=servers.astype(np.int64),
        cell_type=cells[1],
        pair_cell=pairs[0],
        pair_reservation=pairs[1],
        value=np.bincount(pair, of_pair * problem.value) / mean,
        now=np.bincount(pair, problem.now).astype(np.int64),
        families=families,
        budgets=tuple(budgets),
        backbone=None,
    )
    return Coarse(made_of, cell, pair, tuple(rows))


def _clusters(problem: CapacityProblem, clusters: int) -> Ints:
    """Return the cluster of each cell: domains that have about the same types, of one site."""
    wish, domain = problem.affinity, problem.families[problem.spread_family].of_cell
    site = np.zeros(problem.cells, np.int64) if wish is None else problem.families[wish.family].of_cell
    keys, of = np.unique(np.stack([site, domain]), axis=1, return_inverse=True)
    of = of.ravel()
    age = np.bincount(of, problem.cell_type * problem.servers) / np.maximum(
        np.bincount(of, problem.servers), 1
    )
    order = np.lexsort((age, keys[0]))
    sites, first, size = np.unique(keys[0], return_index=True, return_counts=True)
    each = max(1, clusters // len(sites))
    nth = np.empty(len(order), np.int64)
    nth[order] = np.arange(len(order)) - np.repeat(first, size)
    chunk = nth * each // np.repeat(size, size)
    return np.unique(keys[0] * each + chunk, return_inverse=True)[1].ravel()[of]


def _family(family: Family, cluster: Ints, cell: Ints) -> Family:
    """Return a family as coarse cells see it: their domain where it is one, else their cluster."""
    first = np.unique(cell, return_index=True)[1]
    if (family.of_cell == family.of_cell[first][cell]).all():
        return Family(family.name, family.domains, family.of_cell[first])
    return Family(family.name, tuple(f"cluster{i}" for i in range(int(cluster.max()) + 1)), cluster[first])


def _budget(problem: CapacityProblem, budget: Budget, of: tuple[Ints, Ints, Floats]) -> tuple[Budget, Ints]:
    """Return the budget whose rows are the sums of those that touch the same clusters, and the row of each row."""
    cluster, cell, part = of
    lines, cells = budget.share.nonzero()
    touched = np.zeros((len(budget.rows), int(cluster.max()) + 2), dtype=bool)
    touched[lines, cluster[cells]] = True
    _, row = np.unique(touched, axis=0, return_inverse=True)
    row = row.ravel()
    size = (int(row.max(initial=-1)) + 1, int(cell.max()) + 1)
    entries = budget.share.tocoo()  # an empty choice of a sparse matrix has no type
    value = entries.data[entries.data != 0] * part[cells]
    share = csr_array((value, (row[lines], cell[cells])), shape=size)
    limit = np.bincount(row, problem.limits(budget), size[0]).astype(np.float64)
    return replace(budget, rows=tuple(f"r{i}" for i in range(size[0])), share=share, limit=limit), row


def evenly(problem: CapacityProblem, coarse: Coarse) -> LinearProgram:
    """Return the program of a coarse problem in which a cluster is spread evenly over the domains that it stands for."""
    program = capacity_program(coarse.problem)
    matrix, upper = program.matrix.tolil(copy=True), program.upper.copy()
    buffer = program.columns("buffer").start
    for index, family in enumerate(coarse.problem.families):
        groups = groups_of(coarse.problem, family)
        inside = groups.of_pair[coarse.pair]
        domain = problem.families[index].of_cell[problem.pair_cell]
        known = (inside >= 0) & (domain >= 0)
        held = np.unique(np.stack([inside[known], domain[known]]), axis=1)
        count = np.maximum(np.bincount(held[0], minlength=len(groups.domain)), 1).astype(float)
        kept = np.flatnonzero(problem.survives[groups.reservation, index])
        name = f"survive_{block_name(family.name)}"
        if len(kept) and program.has_rows(name):
            rows = np.arange(len(program.row_lower))[program.rows(name)]
            for at, q in zip(rows, kept, strict=True):
                matrix[at, buffer + groups.reservation[q]] = -count[q]
        if index == problem.spread_family:
            upper[program.columns("load")] *= count
    return replace(program, matrix=csr_array(matrix.tocsr()), upper=upper)


def coarse_guide(
    problem: CapacityProblem, time_limit_s: float, should_stop: Callable[[], bool] | None = None
) -> Guide | None:
    """Return the coarse program's prices, for the rows of the problem; None if it takes longer."""
    coarse = coarse_of(problem)
    program = evenly(problem, coarse)
    answer = Highs(program, relaxed=True).solve(time_limit_s=time_limit_s, should_stop=should_stop)
    guide = guide_of(coarse.problem, program, answer)
    if guide is None:
        return None
    prices = [guide.prices[: coarse.problem.cells][coarse.cell]]
    start = coarse.problem.cells
    for budget, row in zip(coarse.problem.budgets, coarse.rows, strict=True):
        prices.append(guide.prices[start : start + len(budget.rows)][row])
        start += len(budget.rows)
    prices.append(guide.prices[start:])
    return Guide(np.concatenate(prices))
