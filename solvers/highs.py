"""The direct route to HiGHS: arrays in, an answer out, and the model kept for the next solve from the last basis.

Every answer says what it is: `optimal` (proven to the gap asked for), `feasible` (a time limit or Ctrl-C came first; the gap says
how far it may be from the best), `infeasible`, `unbounded`, or `nothing` (no solution before the limit). What a stopped solver
leaves behind is looked at before it is believed: a timed-out simplex reports zeros that are no solution.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import highspy
import numpy as np

from solvers.linear import Floats, Ints, LinearProgram
from twin.model.errors import FleetwinError

Status = Literal["optimal", "feasible", "infeasible", "unbounded", "nothing"]
# What a solve in progress tells: seconds, best objective so far, bound, relative gap.
Progress = Callable[[float, float, float, float], None]

_CHECK_TOLERANCE = 1e-6
_DONE: dict[Any, Status] = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kModelEmpty: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnbounded: "unbounded",
}


class SolverError(FleetwinError):
    """HiGHS refused a model or an option, or ended in a way that no answer can come of."""


@dataclass(frozen=True)
class Answer:
    """What came of a solve: the point `x` `[N]` (None without one), duals of a linear program, and the proven bound.

    `objective` and `bound` include the offset; `gap` is (objective - bound) / |objective|. `row_dual` `[M]` and `reduced_cost`
    `[N]` are None for whole numbers: prices come from the linear program.
    """

    status: Status
    x: Floats | None
    objective: float
    bound: float
    seconds: float
    iterations: int
    row_dual: Floats | None = None
    reduced_cost: Floats | None = None

    @property
    def gap(self) -> float:
        """Return how far the objective may be above the best, relative; infinite without a bound."""
        if self.x is None or not np.isfinite(self.bound):
            return float("inf")
        return max(0.0, self.objective - self.bound) / max(abs(self.objective), 1e-9)


class Highs:
    """A program inside HiGHS, to be solved again after small changes."""

    def __init__(self, program: LinearProgram, *, relaxed: bool = False, threads: int = 1) -> None:
        self.program, self.relaxed = program, relaxed
        self._highs: Any = highspy.Highs()
        self.option("output_flag", False)
        self.option("threads", threads)
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(program.cost), len(program.row_lower)
        model.col_cost_, model.col_lower_, model.col_upper_ = program.cost, program.lower, program.upper
        model.row_lower_, model.row_upper_ = program.row_lower, program.row_upper
        model.offset_ = program.offset
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = program.matrix.indptr
        model.a_matrix_.index_ = program.matrix.indices
        model.a_matrix_.value_ = program.matrix.data
        self.whole = bool(program.integer.any()) and not relaxed
        if self.whole:
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            model.integrality_ = [kinds[whole] for whole in program.integer.tolist()]
        if self._highs.passModel(model) == highspy.HighsStatus.kError:
            raise SolverError(f"HiGHS refuses the {program.name} model (coefficients beyond its range?)")

    def option(self, name: str, value: bool | int | float | str) -> None:
        """Set an option of HiGHS; raises SolverError where it refuses: it would go on with the default otherwise."""
        if self._highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise SolverError(f"HiGHS does not take {name} = {value!r}")

    def change_rows(self, rows: Ints, lower: Floats, upper: Floats) -> None:
        """Give rows other limits; the basis stays."""
        self._highs.changeRowsBounds(len(rows), rows.astype(np.int32), lower, upper)

    def change_columns(self, columns: Ints, lower: Floats, upper: Floats) -> None:
        """Give columns other bounds; the basis stays."""
        self._highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)

    def change(self, program: LinearProgram) -> None:
        """Take a program that differs in limits, bounds and offset only; the basis stays."""
        old = self.program
        if (
            program.matrix.shape != old.matrix.shape
            or (program.matrix != old.matrix).nnz
            or (program.cost != old.cost).any()
        ):
            raise SolverError(f"the {program.name} model has other coefficients: it has to be solved anew")
        self.change_rows(np.arange(len(program.row_lower)), program.row_lower, program.row_upper)
        self.change_columns(np.arange(len(program.cost)), program.lower, program.upper)
        self._highs.changeObjectiveOffset(program.offset)
        self.program = program

    def start_from(self, x: Floats) -> None:
        """Hand over a feasible point as the first incumbent."""
        solution = highspy.HighsSolution()
        solution.col_value = x.tolist()
        solution.value_valid = True
        self._highs.setSolution(solution)

    def solve(
        self,
        *,
        time_limit_s: float = float("inf"),
        gap: float = 1e-3,
        should_stop: Callable[[], bool] | None = None,
        progress: Progress | None = None,
    ) -> Answer:
        """Solve, from the last basis where there is one. Never raises for what the model is; the status says it."""
        clock = time.monotonic()
        # Its limit is that of a run where numbers are whole, and that of all runs together where none is.
        self.option("time_limit", time_limit_s if self.whole else self._highs.getRunTime() + time_limit_s)
        if self.whole:
            self.option("mip_rel_gap", gap)
        watch = self._watch(clock, time_limit_s, should_stop, progress)
        hooks = ([self._highs.cbMipInterrupt] if self.whole else []) + [
            self._highs.cbSimplexInterrupt,
            self._highs.cbIpmInterrupt,
        ]
        for hook in hooks:
            hook.subscribe(watch)
        try:
            self._highs.run()
            if self.whole and self._highs.getModelStatus() == highspy.HighsModelStatus.kSolveError:
                self._run_more_exactly()
            unclear = self._highs.getModelStatus() == highspy.HighsModelStatus.kUnboundedOrInfeasible
            bare = self._status_without_costs() if unclear else None
        finally:
            for hook in hooks:
                hook.unsubscribe(watch)
        return self._answer(time.monotonic() - clock, bare)

    def basis(self) -> Any:
        """Return the basis of the last solve."""
        return self._highs.getBasis()

    def set_basis(self, basis: Any) -> None:
        """Start the next solve from a basis."""
        self._highs.setBasis(basis)

    def conflict(self) -> tuple[Ints, Ints]:
        """Return the rows and columns of a small set of limits that cannot all hold, of an infeasible program.

        Strategy 6 of HiGHS: from an elastic program, columns first. Not proven to be the smallest.
        """
        self.option("iis_strategy", 6)
        found = self._highs.getIis()
        iis = found[1] if isinstance(found, tuple) else found
        return np.array(iis.row_index_, dtype=np.int64), np.array(iis.col_index_, dtype=np.int64)

    def _watch(
        self,
        clock: float,
        limit_s: float,
        should_stop: Callable[[], bool] | None,
        progress: Progress | None,
    ) -> Callable[[Any], None]:
        """Return the callback that HiGHS asks whether to stop: the limit is looked at here, too, since its own overshoots."""

        def look(event: Any) -> None:
            seconds = time.monotonic() - clock
            # Said each time: HiGHS keeps the word of the last solve, and would end the next one at once.
            event.data_in.user_interrupt = seconds > limit_s or (should_stop is not None and should_stop())
            if progress is not None and self.whole:
                out = event.data_out
                progress(seconds, out.mip_primal_bound, out.mip_dual_bound, out.mip_gap)

        return look

    def _run_more_exactly(self) -> None:
        """Solve anew: HiGHS disowns an optimum that uses its tolerance to the last digit, so it gets a smaller one."""
        self._highs.clearSolver()
        self.option("mip_feasibility_tolerance", 1e-9)
        try:
            self._highs.run()
        finally:
            self.option("mip_feasibility_tolerance", 1e-6)

    def _status_without_costs(self) -> Status:
        """Tell an unbounded program from one without any solution, which presolve does not: without costs it has one or none."""
        columns = np.arange(len(self.program.cost), dtype=np.int32)
        self._highs.changeColsCost(len(columns), columns, np.zeros(len(columns)))
        try:
            self._highs.run()
            known: dict[Status, Status] = {"optimal": "unbounded", "infeasible": "infeasible"}
            return known.get(_DONE.get(self._highs.getModelStatus(), "nothing"), "nothing")
        finally:
            self._highs.changeColsCost(len(columns), columns, self.program.cost)

    def _answer(self, seconds: float, bare: Status | None) -> Answer:
        info, solution = self._highs.getInfo(), self._highs.getSolution()
        found = self._highs.getModelStatus()
        if bare is not None:
            return Answer(bare, None, float("nan"), -float("inf"), seconds, 0)
        if found in (highspy.HighsModelStatus.kModelError, highspy.HighsModelStatus.kLoadError):
            raise SolverError(f"HiGHS cannot read the {self.program.name} model")
        status: Status = _DONE.get(found, "nothing")
        iterations = max(info.simplex_iteration_count, 0) + max(info.ipm_iteration_count, 0)
        x = np.array(solution.col_value) if solution.value_valid else None
        if status in ("infeasible", "unbounded"):
            x = None
        elif x is not None and status == "nothing":
            status = "feasible" if self._holds(x) else "nothing"
            x = x if status == "feasible" else None
        objective = float("nan") if x is None else float(self.program.cost @ x) + self.program.offset
        bound = objective if status == "optimal" else -float("inf")
        if self.whole:
            bound = float(info.mip_dual_bound)
        duals = status == "optimal" and not self.whole and solution.dual_valid
        return Answer(
            status=status,
            x=x,
            objective=objective,
            bound=bound,
            seconds=seconds,
            iterations=int(iterations),
            row_dual=np.array(solution.row_dual) if duals else None,
            reduced_cost=np.array(solution.col_dual) if duals else None,
        )

    def _holds(self, x: Floats) -> bool:
        """Tell whether a point that a stopped solver left is a solution at all."""
        p = self.program
        if len(x) != len(p.cost):
            return False
        rows = p.matrix @ x
        slack = _CHECK_TOLERANCE * (
            1.0 + np.maximum(np.abs(np.where(np.isfinite(p.row_upper), p.row_upper, 0)), 1)
        )
        whole = not self.whole or bool(np.abs(x - np.round(x))[p.integer].max(initial=0.0) < 1e-5)
        return whole and bool(
            (rows <= p.row_upper + slack).all()
            and (rows >= p.row_lower - slack).all()
            and (x <= p.upper + _CHECK_TOLERANCE).all()
            and (x >= p.lower - _CHECK_TOLERANCE).all()
        )


def dual_objective(program: LinearProgram, row_dual: Floats, reduced_cost: Floats) -> float:
    """Return the dual objective of a linear program at these prices: a valid bound where they are feasible.

    Σ y·(the side of the row that it pays for) + Σ d·(the side of the column). By strong duality it equals the objective at an
    optimum; `-inf` where a price pays for a side that does not exist.
    """
    rows = _paid(row_dual, program.row_lower, program.row_upper)
    columns = _paid(reduced_cost, program.lower, program.upper)
    return float(rows + columns) + program.offset


def _paid(price: Floats, lower: Floats, upper: Floats) -> float:
    price = np.where(np.abs(price) < 1e-9, 0.0, price)
    side = np.where(price > 0, lower, upper)
    used = price != 0
    return float(price[used] @ side[used])
