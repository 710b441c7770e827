"""Sparse sums with a fixed order and little overhead.

scipy's `A @ x` spends 15–30 µs per product on checks, more than the product itself on a small fleet, and a settle makes
two dozen of them. The routines behind it are called directly here (measured: 1.5 µs of overhead; equal to `@`, tested).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import _sparsetools

from twin.graph.levels import Floats, Ints

Indices = Ints | NDArray[np.int32]


class Sums:
    """A sparse matrix `[rows, columns]` given by runs: row i adds `weights[j] * x[columns[j]]` for its run of j, in order."""

    __slots__ = ("columns", "rows", "starts", "weights", "width")

    def __init__(self, weights: Floats, columns: Indices, starts: Indices, width: int) -> None:
        self.weights = np.ascontiguousarray(weights, dtype=np.float64)
        self.columns = np.ascontiguousarray(columns, dtype=np.int32)
        self.starts = np.ascontiguousarray(starts, dtype=np.int32)
        self.rows, self.width = len(starts) - 1, width

    def of(self, x: Floats) -> Floats:
        """Return the sums `[rows, ...]` of `x` `[columns, ...]`."""
        out = np.empty((self.rows, *x.shape[1:]))
        self.into(x, out)
        return out

    def into(self, x: Floats, out: Floats) -> None:
        """Write the sums to `out` (contiguous, of the right shape)."""
        out[...] = 0.0
        x = np.ascontiguousarray(x)
        shape, sums = (self.rows, self.width), (self.starts, self.columns, self.weights)
        if x.size == self.width:
            _sparsetools.csr_matvec(*shape, *sums, x.reshape(-1), out.reshape(-1))
        elif x.size:
            _sparsetools.csr_matvecs(*shape, x.size // self.width, *sums, x.reshape(-1), out.reshape(-1))

    def each(self, x: Floats) -> Floats:
        """Return the sums `[n, rows, ...]` of each of n matrices `x` `[n, columns, ...]`."""
        return np.ascontiguousarray(np.swapaxes(self.of(np.swapaxes(x, 0, 1)), 0, 1))


def group_sums(group: Ints, size: int) -> Sums:
    """Return the sums of the members of each group `[size]`, added in order."""
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(size + 1))
    return Sums(np.ones(len(group)), order, starts, len(group))


def add_up(index: Ints, weights: Floats, size: int) -> Floats:
    """Return the sum of the weights of each index `[size]`, added in order."""
    return np.bincount(index, weights=weights, minlength=size).astype(np.float64, copy=False)
