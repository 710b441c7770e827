"""The golden files themselves: what counts as the same, and what does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from solvers.linear import Axis, LinearModel, LinearProgram
from tests.solvers import golden
from tests.solvers.oracles import by_enumeration, check_routes, shuffled


def knapsack(*, backwards: bool = False) -> LinearProgram:
    """Take items of values 3, 4, 5 and weights 2, 3, 4, at most 5 in all and 2 pieces."""
    order = [2, 1, 0] if backwards else [0, 1, 2]
    model = LinearModel("knapsack")
    names = Axis([("a", "b", "c")[i] for i in order])
    take = model.columns("take", [names], upper=1, integer=True, cost=[(-3.0, -4.0, -5.0)[i] for i in order])
    model.rows("weight", 1, [(0, take, [(2.0, 3.0, 4.0)[i] for i in order])], upper=5)
    model.rows("pieces", 1, [(0, take, 1.0)], upper=2)
    return model.build()


def test_the_order_of_rows_and_terms_does_not_count() -> None:
    assert golden.lp_text(knapsack(), "weight") == golden.lp_text(knapsack(backwards=True), "weight")
    assert golden.lp_text(knapsack(), "objective") == golden.lp_text(knapsack(backwards=True), "objective")


def test_a_text_says_names_sides_bounds_and_what_is_whole() -> None:
    text = golden.lp_text(knapsack(), "weight")
    assert "weight" in text and "\n   +2.0 take(a)\n   +3.0 take(b)\n   +4.0 take(c)\n   <= 5.0\n" in text
    assert "0.0 <= take(a) <= 1.0" in text and "pieces" not in text
    assert "general" in text or "binary" in text


def test_a_coefficient_that_changes_counts() -> None:
    program = knapsack()
    changed = dataclasses.replace(program, matrix=program.matrix * 1.001)
    assert golden.lp_text(changed, "weight") != golden.lp_text(program, "weight")


def test_a_missing_and_a_stale_file_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    monkeypatch.delenv("FLEETWIN_REWRITE_GOLDEN", raising=False)
    with pytest.raises(AssertionError, match="one LP file per constraint"):
        golden.check_golden(knapsack(), "knapsack", ["weight", "pieces"])
    monkeypatch.setenv("FLEETWIN_REWRITE_GOLDEN", "1")
    golden.check_golden(knapsack(), "knapsack", ["weight", "pieces"])
    monkeypatch.delenv("FLEETWIN_REWRITE_GOLDEN")
    golden.check_golden(knapsack(backwards=True), "knapsack", ["pieces", "weight"])
    with pytest.raises(AssertionError, match="every constraint"):
        golden.check_golden(knapsack(), "knapsack", ["weight"])
    (tmp_path / "knapsack" / "weight.lp").write_text("min\n")
    with pytest.raises(AssertionError, match=r"weight\.lp"):
        golden.check_golden(knapsack(), "knapsack", ["weight", "pieces"])


def test_the_oracles_agree_on_a_knapsack() -> None:
    program = knapsack()
    assert by_enumeration(program) == -7.0
    assert check_routes(program) <= -7.0
    assert np.isclose(check_routes(shuffled(program, 3)), check_routes(program))
