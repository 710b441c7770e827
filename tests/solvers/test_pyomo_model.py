"""The same program as a Pyomo model: names, sides, whole numbers, and rows that hold never or always."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyomo.environ as pyo
import pytest

from solvers.highs import Highs
from solvers.linear import INFINITY, Axis, LinearModel, LinearProgram
from solvers.pyomo_model import solve_with_pyomo, to_pyomo, write_lp
from tests.solvers.programs import program


def model() -> LinearProgram:
    """One of everything: blocks with one and two labels, rows with every kind of side, a block called "load"."""
    made = LinearModel("all kinds")
    made.offset += 7.0
    pair = (Axis(("a", "b")), Axis(("x", "y")))
    take = made.columns("take", pair, cost=[3.0, 4.0], upper=[5.0, 6.0], integer=True)
    load = made.columns("load", [Axis(("l",))], lower=-INFINITY, cost=0.5)
    made.rows("equal", 1, [(0, load, 1.0), (0, take, -1.0)], lower=0.0, upper=0.0)
    made.rows("least", [Axis(("p", "q"))], [([0, 1], take, 2.0)], lower=[3.0, 1.0])
    made.rows("both", 1, [(0, take, 1.0)], lower=1.0, upper=9.0)
    made.rows("free", 1, [(0, take, 1.0)])
    return made.build()


def test_components_carry_the_names_of_blocks_and_labels() -> None:
    one = to_pyomo(model())
    assert one.take["a", "x"].ub == 5.0 and one.take["b", "y"].domain is pyo.Integers
    assert one.load_["l"].lb is None and one.least["q"].lower() == 1.0 and one.both["0"].upper() == 9.0
    assert len(one.free) == 0  # without sides it says nothing
    assert to_pyomo(model(), relaxed=True).take["a", "x"].domain is pyo.Reals


@pytest.mark.parametrize("relaxed", [False, True])
def test_both_routes_give_the_same_value(relaxed: bool) -> None:
    direct = Highs(model(), relaxed=relaxed).solve(gap=0.0)
    found: Any = solve_with_pyomo(to_pyomo(model(), relaxed=relaxed))
    assert found.incumbent_objective == pytest.approx(direct.objective)
    assert direct.objective == pytest.approx(7.0 + (3.5 * 1.5 + 4.5 * 0.5 if relaxed else 3.5 * 2 + 4.5))


@pytest.mark.parametrize(("least", "status"), [(1.0, "infeasible"), (0.0, "optimal"), (-1.0, "optimal")])
def test_a_row_without_columns_holds_always_or_never(least: float, status: str) -> None:
    one = program([1.0], [([0.0], least, INFINITY)], most=2.0)
    assert Highs(one).solve().status == status
    found: Any = solve_with_pyomo(to_pyomo(one))
    assert found.incumbent_objective == (0.0 if status == "optimal" else None)
    assert ("Infeasible" in found.termination_condition.name) == (status == "infeasible")


def test_the_lp_file_says_the_names(tmp_path: Path) -> None:
    write_lp(model(), tmp_path / "model.lp")
    text = (tmp_path / "model.lp").read_text()
    assert "take(a_x)" in text and "least(p)" in text and "general" in text
