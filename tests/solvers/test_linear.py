"""Programs in blocks: names, parts, and numbers that no program can have."""

from __future__ import annotations

import numpy as np
import pytest

from solvers.linear import INFINITY, Axis, LinearModel, LinearProgram, ModelError


def transport() -> LinearProgram:
    """Ship from a and b to x and y: 4 routes, what each has, what each wants."""
    model = LinearModel("transport")
    plants, towns = ("a", "b"), ("x", "y")
    here, there = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    ship = model.columns("ship", [Axis(plants, here), Axis(towns, there)], cost=[1.0, 3.0, 2.0, 1.0], upper=9)
    late = model.columns("late", [Axis(towns)], cost=10.0, integer=True)
    model.offset += 5.0
    model.rows("supply", [Axis(plants)], [(here, ship, 1.0)], upper=[3.0, 4.0], text="what a plant has")
    model.rows("demand", [Axis(towns)], [(there, ship, 1.0), ([0, 1], late, 1.0)], lower=[2.0, 4.0])
    return model.build()


def test_blocks_have_names_labels_and_places() -> None:
    program = transport()
    assert program.columns("ship") == slice(0, 4) and program.columns("late") == slice(4, 6)
    assert program.rows("supply") == slice(0, 2) and program.rows("demand") == slice(2, 4)
    assert [program.column_name(i) for i in (1, 2, 5)] == ["ship[a, y]", "ship[b, x]", "late[y]"]
    assert program.row_name(3) == "demand[y]"
    assert program.has_rows("supply") and not program.has_rows("power")
    assert program.row_blocks[0].text == "what a plant has"
    assert program.integer.tolist() == [False] * 4 + [True] * 2
    assert program.matrix.toarray().tolist() == [
        [1, 1, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0],
        [1, 0, 1, 0, 1, 0],
        [0, 1, 0, 1, 0, 1],
    ]
    with pytest.raises(KeyError, match="no block 'power'; there are supply, demand"):
        program.rows("power")


def test_a_block_without_axes_is_numbered() -> None:
    model = LinearModel("plain")
    model.columns("x", 2)
    model.rows("r", 1, [(0, [0, 1], 1.0)], upper=1.0)
    assert model.build().column_name(1) == "x[1]"


def test_only_keeps_blocks_in_the_order_of_the_model() -> None:
    program = transport()
    demand = program.only(["demand"])
    assert demand.rows("demand") == slice(0, 2) and not demand.has_rows("supply")
    assert demand.row_lower.tolist() == [2.0, 4.0] and demand.row_name(1) == "demand[y]"
    assert (demand.matrix != program.matrix[2:]).nnz == 0
    both = program.only(["demand", "supply"])
    assert [block.name for block in both.row_blocks] == ["supply", "demand"]
    assert (both.matrix != program.matrix).nnz == 0 and both.offset == 5.0
    assert program.only([]).matrix.shape == (0, 6)


def test_terms_of_one_cell_add_up_and_zeros_go() -> None:
    model = LinearModel("sum")
    x = model.columns("x", 2)
    model.rows("r", 1, [(0, x, 1.5), (0, x[:1], 2.0), (0, x[1:], -1.5)], upper=1.0)
    program = model.build()
    assert program.matrix.nnz == 1 and program.matrix[0, 0] == 3.5


def test_an_empty_program_is_one() -> None:
    program = LinearModel("nothing").build()
    assert program.matrix.shape == (0, 0) and program.cost.shape == (0,)


def test_impossible_numbers_are_refused_all_at_once() -> None:
    model = LinearModel("wrong")
    names = Axis(("a", "b", "c", "d"))
    x = model.columns("x", [names], cost=[np.nan, 1.0, INFINITY, 1.0], lower=[0, 2, 0, np.nan], upper=1.0)
    model.rows("r", [names], [(range(4), x, [1.0, np.inf, np.nan, 1.0])], lower=[3, 0, 0, 0], upper=2.0)
    with pytest.raises(ModelError) as caught:
        model.build()
    assert str(caught.value) == (
        "the wrong model is not one: cost of x[a], x[c] (2 in all); bounds of x[b], x[d] (2 in all); "
        "limits of r[a] (1 in all); coefficients that are not finite"
    )


@pytest.mark.parametrize(("lower", "upper"), [(INFINITY, INFINITY), (-INFINITY, -INFINITY)])
def test_a_column_or_row_at_infinity_is_refused(lower: float, upper: float) -> None:
    model = LinearModel("far")
    x = model.columns("x", 1, lower=lower, upper=upper)
    model.rows("r", 1, [(0, x, 1.0)], lower=lower, upper=upper)
    with pytest.raises(ModelError, match=r"bounds of x\[0\].*limits of r\[0\]"):
        model.build()
