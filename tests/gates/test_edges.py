"""Limits as edges: the same truth as the limit itself, world by world."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.gates.edges import Edge, Side, middle, sides
from twin.model.limits import parse_limit

LIMITS = (
    "<= 5",
    "< 5",
    ">= -5",
    "> 5",
    "<= +5 % of reference, floor 1",
    "<= -5 % of reference, floor 1",
    ">= +5 % of reference, floor 1",
    ">= -5 % of reference, floor 1",
    "<= +0 % of reference, floor 2",
    "> +50 % of reference, floor 0",
    "<= +3 ms of reference",
    "-3 % ± 1 % of reference",
    "10 ± 2",
    "-1 ms ± 2 ms of reference",
    "+10 % ± 5 % of reference, floor 1",
)


@given(st.sampled_from(LIMITS), st.floats(-100, 100), st.floats(-100, 100))
def test_edges_agree_with_the_limit(text: str, plan: float, reference: float) -> None:
    limit = parse_limit(text, "ms")
    drawn = sides(limit, negative=reference < 0)
    gaps = [plan - float(side.edge.at(np.array([reference]))[0]) for side in drawn]
    if min(abs(gap) for gap in gaps) > 1e-9:
        kept = all(side.keeps(gap, gap) for side, gap in zip(drawn, gaps, strict=True))
        assert kept == limit.holds(plan, reference)


@given(st.sampled_from(LIMITS), st.floats(-100, 100), st.floats(-100, 100))
def test_lines_combine_to_their_edge(text: str, plan: float, reference: float) -> None:
    for side in sides(parse_limit(text, "ms"), negative=reference < 0):
        kept = [
            side.keeps(gap, gap)
            for line in side.edge.split()
            for gap in [plan - float(line.at(np.array([reference]))[0])]
        ]
        whole = plan - float(side.edge.at(np.array([reference]))[0])
        assert (any(kept) if side.either else all(kept)) == side.keeps(whole, whole)


def test_an_interval_across_the_edge_cannot_tell() -> None:
    below = Side(Edge(), at_most=True)
    assert below.keeps(-1.0, 0.0) is True
    assert below.keeps(-1.0, 0.1) is None
    assert below.keeps(0.1, 0.2) is False
    assert below.keeps(-math.inf, math.inf) is None
    above = Side(Edge(), at_most=False, strict=True)
    assert above.keeps(0.0, 1.0) is None
    assert above.keeps(0.1, 1.0) is True
    assert above.keeps(-1.0, 0.0) is False


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("<= 5", ((0.0, 0.0),)),
        ("<= +5 ms of reference", ((1.0, 0.0),)),
        ("-10 % ± 1 % of reference", ((0.9, 0.0),)),
    ],
)
def test_what_an_estimate_is_compared_with(text: str, lines: tuple[tuple[float, float], ...]) -> None:
    assert middle(parse_limit(text, "ms")).lines == lines
