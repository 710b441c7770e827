"""Sharing out whole numbers, and books that add up at every level."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.model.errors import UsageError
from twin.records.ledger import QUANTITIES, Ledger, Lines, apportion, handed_down

amounts = st.lists(
    st.floats(-1e12, 1e12) | st.just(0.0) | st.integers(-5, 5).map(float), min_size=1, max_size=40
)


def test_largest_remainders_by_hand() -> None:
    """The example of every textbook on Hamilton's method: quotas 2.4, 3.3, 4.3 of 10 seats: the first has the largest rest."""
    assert apportion(np.array([2.4, 3.3, 4.3]), 10).tolist() == [3, 3, 4]
    assert apportion(np.array([-0.5, 0.0, 0.5]), 0).tolist() == [0, 0, 0]
    assert apportion(np.array([1.0, 0.0, 3.0]), 8).tolist() == [2, 0, 6]
    assert apportion(np.zeros(3), 0).tolist() == [0, 0, 0]


def test_nothing_cannot_be_charged_something() -> None:
    with pytest.raises(ValueError, match="nobody to charge 7"):
        apportion(np.zeros(2), 7)


@given(values=amounts)
def test_parts_add_up_and_stand_next_to_their_values(values: list[float]) -> None:
    total = round(math.fsum(values))
    if not any(values):
        return
    parts = apportion(np.array(values), total)
    assert sum(parts.tolist()) == total
    for part, value in zip(parts.tolist(), values, strict=True):
        # Half a unit of rounding the total is spread besides the one of the part itself; floats have 53 bits.
        assert abs(part - value) <= 1.5 + 1e-3
        assert part == 0 or value != 0.0


@given(values=amounts, total=st.integers(-(10**15), 10**15))
def test_parts_of_another_total_add_up(values: list[float], total: int) -> None:
    if any(values):
        assert sum(apportion(np.array(values), total).tolist()) == total


@settings(max_examples=25)
@given(data=st.data(), sites=st.integers(1, 4))
def test_every_level_is_the_sum_of_the_next(data: st.DataObject, sites: int) -> None:
    ledger, by_site = _books(data, sites)
    for domains in (
        ("region",),
        ("site",),
        ("rack",),
        ("site", "rack"),
        ("owner",),
        ("service",),
        ("site", "owner", "service"),
    ):
        for name in (quantity.name for quantity in QUANTITIES):
            whole = sum(getattr(account, name) for account in ledger.by(*domains))
            assert whole == getattr(ledger.total, name)
    for finer in ("rack", "owner"):
        for account in ledger.by("site"):
            lower = [row for row in ledger.by("site", finer) if row.key[0] == account.key[0]]
            assert sum(row.facility_j for row in lower) == account.facility_j
            assert sum(row.overhead_j for row in lower) == account.overhead_j
    for quantity, floats in zip(QUANTITIES, by_site, strict=True):
        assert abs(getattr(ledger.total, quantity.name) - math.fsum(floats)) <= 0.5


@pytest.mark.parametrize("domains", [(), ("rack", "owner"), ("rak",), ("site", "moon")])
def test_impossible_domains_are_refused(domains: tuple[str, ...]) -> None:
    lines = Lines(
        {"rack": np.zeros(1, dtype=np.int64)}, {"rack": ("r",)}, np.ones((len(QUANTITIES), 1), dtype=np.int64)
    )
    uses = Lines(
        {"owner": np.zeros(1, dtype=np.int64)},
        {"owner": ("o",)},
        np.ones((len(QUANTITIES), 1), dtype=np.int64),
    )
    with pytest.raises(UsageError, match="domain|one or the other|did you mean"):
        Ledger(lines, uses).by(*domains)


def _books(data: st.DataObject, sites: int) -> tuple[Ledger, np.ndarray]:
    """Random books: a few lines per site in both partitions, with floats that add up to the site but for rounding."""
    count = data.draw(st.integers(1, 5))
    site = np.repeat(np.arange(sites), count)
    floats = st.floats(0.01, 1e9)
    size = len(QUANTITIES) * len(site)
    places = np.array(data.draw(st.lists(floats, min_size=size, max_size=size))).reshape(len(QUANTITIES), -1)
    by_site = places.reshape(len(QUANTITIES), sites, count).sum(axis=2)
    part = np.array(data.draw(st.lists(st.floats(0.1, 1.0), min_size=count, max_size=count)))
    uses = np.repeat(by_site, count, axis=1) * np.tile(part / part.sum(), sites)
    region = {"region": site // 2, "site": site}
    names = {"region": ("r0", "r1"), "site": tuple("abcd"[:sites])}
    line = np.arange(len(site))
    return Ledger(
        Lines(
            {**region, "rack": line},
            {**names, "rack": tuple(f"r{i}" for i in line)},
            handed_down(by_site, places, site),
        ),
        Lines(
            {**region, "owner": line % 2, "service": line % 3},
            {**names, "owner": ("o", "p"), "service": ("x", "y", "z")},
            handed_down(by_site, uses, site),
        ),
    ), by_site
