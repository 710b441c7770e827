"""Generators that run in parallel: the level of load they share, and the steps they take."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.graph.levels import Floats
from twin.sim.laws.generator import levels, stalls


def of(*values: float) -> Floats:
    return np.array(values)


def test_sets_on_one_bus_share_their_level_and_those_at_rest_do_not_count() -> None:
    group = np.array([0, 0, 1])
    found = levels(of(300.0, 500.0, 70.0), of(1000.0, 1000.0, 100.0), group, 2)
    assert found == pytest.approx([0.4, 0.7])
    found = levels(of(800.0, 0.0, 0.0), of(1000.0, 0.0, 0.0), group, 2)
    assert found == pytest.approx([0.8, 0.0])


def test_g2_steps_pass_and_one_step_to_full_does_not() -> None:
    """The steps of an ISO 8528-5 class G2 specification: 0-50, 50-80, 80-100 %."""
    block = of(0.5, 0.5, 0.5)
    assert not stalls(of(0.0, 0.5, 0.8), of(0.5, 0.8, 1.0), block).any()
    assert stalls(of(0.0, 0.0, 0.4), of(1.0, 0.51, 0.95), block).all()


def test_losing_one_of_two_is_a_step_for_the_other() -> None:
    group = np.array([0, 0])
    before = levels(of(400.0, 400.0), of(1000.0, 1000.0), group, 1)
    after = levels(of(0.0, 800.0), of(0.0, 1000.0), group, 1)
    assert stalls(before, after, of(0.3)).all()
    assert not stalls(before, after, of(0.4)).any()


@given(st.lists(st.floats(0.0, 1.5), min_size=2, max_size=8), st.floats(0.05, 1.0))
def test_smaller_steps_pass_wherever_the_whole_does(path: list[float], block: float) -> None:
    """A step that is accepted at once is accepted in any number of rising parts."""
    rising = np.sort(np.array(path))
    if not stalls(rising[:1], rising[-1:], of(block)).any():
        assert not stalls(rising[:-1], rising[1:], np.full(len(rising) - 1, block)).any()


def test_shedding_load_never_stalls() -> None:
    assert not stalls(of(1.0), of(0.0), of(0.05)).any()
