"""Autoscaling: the documented examples of Kubernetes, and what its limits promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim.laws.autoscale import wanted, within_a_step


def one(value: float) -> np.ndarray:
    return np.array([value])


@pytest.mark.parametrize(
    ("replicas", "utilisation", "target", "expected"),
    [
        (
            1,
            2.0,
            1.0,
            2,
        ),  # "if the current metric value is 200m and the desired is 100m, replicas are doubled"
        (4, 0.5, 1.0, 2),  # "if it is 50m instead, they are halved"
        (10, 1.09, 1.0, 10),  # within the tolerance
        (10, 0.91, 1.0, 10),
        (10, 0.66, 0.6, 10),
        (3, 0.9, 0.5, 6),  # 5.4, rounded up
        (5, 0.0, 0.5, 0),
    ],
)
def test_documented_arithmetic(replicas: float, utilisation: float, target: float, expected: float) -> None:
    assert wanted(one(replicas), one(utilisation), one(target), 0.1)[0] == expected


@pytest.mark.parametrize(
    ("now", "goal", "then"), [(1, 9, 5), (3, 50, 7), (10, 50, 20), (10, 12, 12), (10, 2, 2)]
)
def test_a_step_is_the_double_or_four_more(now: float, goal: float, then: float) -> None:
    assert within_a_step(one(now), one(goal))[0] == then


@given(replicas=st.integers(1, 10_000), load=st.floats(0.01, 10_000), target=st.floats(0.05, 1.0))
def test_what_is_wanted_is_enough_and_no_more(replicas: int, load: float, target: float) -> None:
    """With `load` busy replicas: outside the tolerance the wanted number meets the target, one fewer would miss it."""
    goal = wanted(one(replicas), one(load / replicas), one(target), 0.1)[0]
    if goal == replicas:
        return
    assert load / goal <= target * (1 + 1e-6)
    assert goal == 1 or load / (goal - 1) > target * (1 - 1e-6)
