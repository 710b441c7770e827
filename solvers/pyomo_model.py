"""The same program as a Pyomo model, to be read, changed and written as an LP file by people.

Blocks become components of the same name, labels their indices: `m.power["ams1-msb-3"]`. One description serves both routes, so
that what is reviewed is what is solved; a test compares their LP values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.numeric_expr import LinearExpression

from solvers.linear import Block, LinearProgram


def to_pyomo(program: LinearProgram, *, relaxed: bool = False) -> pyo.ConcreteModel:
    """Return the program as a ConcreteModel. Cost: one Python object per column and row."""
    model = pyo.ConcreteModel(name=program.name)
    variables: list[Any] = []
    for block in program.column_blocks:
        keys = _keys(block)
        part = block.members
        whole = bool(program.integer[part].any()) and not relaxed
        lower, upper = program.lower[part].tolist(), program.upper[part].tolist()
        bounds = {key: (_side(low), _side(high)) for key, low, high in zip(keys, lower, upper, strict=True)}
        component = pyo.Var(
            keys, domain=pyo.Integers if whole else pyo.Reals, bounds=lambda _, *k, b=bounds: b[_key(k)]
        )
        model.add_component(_component(block.name), component)
        variables += [component[key] for key in keys]
    for block in program.row_blocks:
        model.add_component(_component(block.name), _constraint(program, block, variables))
    used = np.flatnonzero(program.cost)
    cost = LinearExpression(
        constant=program.offset,
        linear_coefs=program.cost[used].tolist(),
        linear_vars=[variables[i] for i in used.tolist()],
    )
    model.cost = pyo.Objective(expr=cost, sense=pyo.minimize)
    return model


def write_lp(program: LinearProgram, path: Path) -> None:
    """Write the program as an LP file with names that a person recognises."""
    to_pyomo(program).write(str(path), io_options={"symbolic_solver_labels": True})


def solve_with_pyomo(model: pyo.ConcreteModel, *, time_limit_s: float = 60.0, gap: float = 1e-6) -> Any:
    """Solve a Pyomo model with HiGHS; the results of Pyomo's own interface, whatever the status."""
    from pyomo.contrib.solver.solvers.highs import Highs

    solver = Highs()
    return solver.solve(
        model,
        time_limit=time_limit_s,
        rel_gap=gap,
        load_solutions=False,
        raise_exception_on_nonoptimal_result=False,
    )


def _constraint(program: LinearProgram, block: Block, variables: list[Any]) -> pyo.Constraint:
    keys = _keys(block)
    matrix = program.matrix
    start, column, value = matrix.indptr.tolist(), matrix.indices.tolist(), matrix.data.tolist()
    rows: dict[Any, Any] = {}
    for i, key in enumerate(keys, start=block.first):
        low, high = _side(float(program.row_lower[i])), _side(float(program.row_upper[i]))
        if low is None and high is None:
            continue
        span = slice(start[i], start[i + 1])
        body = LinearExpression(
            constant=0.0,
            linear_coefs=value[span],
            linear_vars=[variables[j] for j in column[span]],
        )
        if not column[span]:
            rows[key] = _empty(low, high)
        elif low is not None and low == high:
            rows[key] = (body, low)
        else:
            rows[key] = (low, body, high)
    return pyo.Constraint(keys, rule=lambda _, *k: rows.get(_key(k), pyo.Constraint.Skip), doc=block.text)


def _empty(low: float | None, high: float | None) -> Any:
    """Return what a row without columns says: it always holds, or never."""
    holds = (low is None or low <= 0) and (high is None or high >= 0)
    return pyo.Constraint.Feasible if holds else pyo.Constraint.Infeasible


def _keys(block: Block) -> list[Any]:
    return [_key(block.label(i)) for i in range(block.size)]


def _key(label: tuple[Any, ...]) -> Any:
    return label[0] if len(label) == 1 else tuple(label)


def _side(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _component(name: str) -> str:
    # "load" is an attribute of every Pyomo block.
    return name if name != "load" else "load_"
