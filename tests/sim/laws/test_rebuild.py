"""Rebuilding: every placement counted by hand, and bytes that neither vanish nor multiply."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim.laws.rebuild import at_risk_share, missing_share, raw_bytes, rebuilt, seconds_to_next


@pytest.mark.parametrize(
    ("racks", "parts", "needed"), [(5, 2, 1), (7, 3, 1), (8, 3, 2), (10, 9, 6), (4, 4, 2)]
)
def test_against_all_placements(racks: int, parts: int, needed: int) -> None:
    placements = list(combinations(range(racks), parts))
    for away in range(racks + 1):
        lost = [sum(rack < away for rack in placement) for placement in placements]
        for more_than in (0, parts - needed):
            expected = sum(count > more_than for count in lost) / len(lost)
            assert missing_share(racks, away, parts, more_than) == pytest.approx(expected, abs=1e-12)


def test_two_racks_of_a_thousand() -> None:
    """Two copies on 1000 nodes: one node holds 0.2 % of all objects; 30 % of the nodes touch 51 % and hold 9 % alone."""
    assert missing_share(1000, 1, 2) == pytest.approx(0.002)
    assert missing_share(1000, 300, 2) == pytest.approx(1 - 0.7 * 699 / 999)
    assert missing_share(1000, 300, 2, more_than=1) == pytest.approx(0.3 * 299 / 999)


@given(
    racks=st.integers(2, 40),
    parts=st.integers(1, 12),
    absent=st.floats(0, 40),
    more=st.floats(0, 5),
)
def test_more_absent_racks_put_more_at_risk(racks: int, parts: int, absent: float, more: float) -> None:
    parts, absent = min(parts, racks), min(absent, racks)
    share = at_risk_share(racks, absent, parts)
    assert -1e-12 <= share <= at_risk_share(racks, min(absent + more, racks), parts) + 1e-12
    assert share <= min(1.0, absent * parts / racks) + 1e-9  # the union is at most the sum


def test_one_rack_half_rebuilt_leaves_half_at_risk() -> None:
    assert at_risk_share(9, 0.5, 3) == pytest.approx(0.5 * 3 / 9)


def test_codes_take_less_than_copies() -> None:
    assert raw_bytes(6.0, 3, 1) == 18.0
    assert raw_bytes(6.0, 9, 6) == 9.0


@given(
    debts=st.lists(st.floats(0, 1e15), min_size=1, max_size=5), steps=st.lists(st.floats(0, 1e15), max_size=5)
)
def test_bytes_are_kept(debts: list[float], steps: list[float]) -> None:
    owed, done = np.array(debts), np.zeros(len(debts))
    for step in steps:
        owed, done = rebuilt(owed, done, step)
    total = sum(debts)
    assert owed.sum() + done.sum() == pytest.approx(total, rel=1e-9, abs=1e-3)
    assert done.sum() == pytest.approx(min(total, sum(steps)), rel=1e-9, abs=1e-3)
    assert (owed >= 0).all()


def test_the_end_of_the_work_or_of_the_space() -> None:
    assert seconds_to_next(100.0, 1e9, 10.0) == 10.0
    assert seconds_to_next(100.0, 30.0, 10.0) == 3.0
    assert seconds_to_next(0.0, 30.0, 10.0) == np.inf
    assert seconds_to_next(100.0, 0.0, 10.0) == np.inf
    assert seconds_to_next(100.0, 30.0, 0.0) == np.inf
