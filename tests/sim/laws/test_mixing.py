"""A well-mixed queue: against small steps in which leavers are taken from all that wait, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.sim.laws.mixing import mixed


def in_steps(share: float, coming: float, before: float, after: float, leave: float, steps: int) -> float:
    """One unit of time in steps: so many come, so many leave, each with the share of all that wait then (midpoint rule)."""
    come = after - before + leave
    queue, marked, dt = before, share * before, 1.0 / steps

    def slope(marked: float, queue: float) -> float:
        return coming * come - leave * marked / queue

    for _ in range(steps):
        half = marked + slope(marked, queue) * dt / 2
        marked += slope(half, queue + (after - before) * dt / 2) * dt
        queue += (after - before) * dt
    return marked / queue


@settings(max_examples=50)
@given(
    share=st.floats(0.0, 1.0),
    coming=st.floats(0.0, 1.0),
    before=st.floats(1.0, 100.0),
    grows=st.floats(-0.9, 3.0),
    leave=st.floats(0.0, 3.0),
)
def test_as_in_small_steps(share: float, coming: float, before: float, grows: float, leave: float) -> None:
    after = before * (1.0 + grows)
    leave = max(leave, -grows) * before  # nobody comes at a negative rate
    found = mixed(*(np.array([x]) for x in (share, coming, before, after, leave)))
    assert found[0] == pytest.approx(in_steps(share, coming, before, after, leave, 4000), abs=1e-5)


def test_by_hand() -> None:
    """All of a queue of 100 is marked, nobody that comes is. 100 leave: of a queue that stands still 1/e is left."""
    one, none = np.ones(4), np.zeros(4)
    before, after = np.array([100.0, 100.0, 0.0, 100.0]), np.array([100.0, 200.0, 50.0, 0.0])
    found = mixed(one, none, before, after, np.full(4, 100.0))
    # Twice as long after 100 have left and 200 come: 100 / 2 of 200 are the first ones. A new or an empty queue has none.
    assert found == pytest.approx([np.exp(-1.0), 0.25, 0.0, 0.0])


@given(before=st.floats(0.0, 10.0), after=st.floats(0.0, 10.0), left=st.floats(0.0, 1e6))
def test_shares_stay_between_what_waits_and_what_comes(before: float, after: float, left: float) -> None:
    found = mixed(*(np.array([x]) for x in (0.2, 0.7, before, after, left)))
    assert 0.2 <= found[0] <= 0.7
