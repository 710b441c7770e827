"""Rebuilding lost copies: how much data lacks a part when racks are away, and how fast new parts are written.

Every object lies in k parts on k different racks of n, placed at random; `needed` of them suffice to read it. Copies are
parts of which one suffices; an erasure code 6 + 3 has nine parts of which six suffice. With m racks away the number of
missing parts is hypergeometric.
"""

from __future__ import annotations

from math import comb

import numpy as np

from twin.graph.levels import Floats


def missing_share(racks: int, away: int, parts: int, more_than: int = 0) -> float:
    """Return the share of objects that miss more than `more_than` of their parts `[1]`.

    P(X > x), X hypergeometric: C(m, i)·C(n − m, k − i)/C(n, k) for i parts on the m racks that are away.
    """
    kept = sum(comb(away, i) * comb(racks - away, parts - i) for i in range(min(more_than, parts) + 1))
    return 1.0 - kept / comb(racks, parts)


def at_risk_share(racks: int, absent: float, parts: int, more_than: int = 0) -> float:
    """Return the same for a number of absent racks that is not whole: some of what they held is rebuilt already.

    Linear between whole numbers, which is exact for a single rack.
    """
    low = int(absent)
    share = missing_share(racks, low, parts, more_than)
    if absent == low:
        return share
    return share + (absent - low) * (missing_share(racks, low + 1, parts, more_than) - share)


def raw_bytes(size: float, parts: int, needed: int) -> float:
    """Return what an amount of data takes on disk `[B]`: each of its k parts is 1/needed of it."""
    return size * parts / needed


def rebuilt(owed: Floats, done: Floats, amount: float) -> tuple[Floats, Floats]:
    """Return what is still owed to each rack and what is done `[B]` after `amount` more bytes, in proportion to the debts."""
    total = float(owed.sum())
    part = min(1.0, amount / total) if total > 0 else 0.0
    written = owed * part
    return owed - written, done + written


def seconds_to_next(owed: float, free: float, bytes_per_s: float) -> float:
    """Return the seconds until all is rebuilt or no space is left, whichever comes first (infinite: neither moves)."""
    amount = min(owed, free)
    return amount / bytes_per_s if amount > 0 and bytes_per_s > 0 else float(np.inf)
