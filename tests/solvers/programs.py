"""Small linear programs, and one that branch and cut cannot finish."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from solvers.linear import INFINITY, LinearModel, LinearProgram

Row = tuple[Sequence[float], float, float]  # coefficients, least, most


def program(
    cost: Sequence[float], rows: Sequence[Row] = (), *, most: float = INFINITY, integer: bool = False
) -> LinearProgram:
    """Return min cost · x, rows, 0 ≤ x ≤ most."""
    model = LinearModel("small")
    x = model.columns("x", len(cost), upper=most, cost=cost, integer=integer)
    for number, (coefficients, low, high) in enumerate(rows):
        model.rows(f"row{number}", 1, [(0, x, coefficients)], lower=low, upper=high)
    return model.build()


def market_split(products: int = 8, retailers: int = 60, seed: int = 1) -> LinearProgram:
    """Return a market split after Cornuéjols and Dawande (IPCO 1998): its relaxation costs 0, and whole numbers are hopeless.

    Any choice is feasible at the price of what it misses, and all zeros costs half of all weights.
    """
    weight = np.random.default_rng(seed).integers(0, 100, (products, retailers)).astype(float)
    product, retailer = np.indices(weight.shape)
    k, half = np.arange(products), np.floor(weight.sum(axis=1) / 2)
    model = LinearModel("market split")
    take = model.columns("take", retailers, upper=1, integer=True)
    few, many = model.columns("few", products, cost=1.0), model.columns("many", products, cost=1.0)
    terms = [(product, take[retailer], weight), (k, few, 1.0), (k, many, -1.0)]
    model.rows("half", products, terms, lower=half, upper=half)
    return model.build()
