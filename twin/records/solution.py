"""What a solve leaves beside its plan: how good it is, what binds, what is short, what else was possible.

A *binding* limit is one that the plan meets exactly; its *price* is what one more unit of it would save. A *shortfall* is what a
wish does not get, with what that costs. The *gap* is how far the plan may at most be from the best plan there is.
"""

from __future__ import annotations

from typing import Literal

from twin.records.verdict import Frozen

SolveStatus = Literal["optimal", "feasible", "interrupted", "nothing"]
Cell = str | float | int | None


class Binding(Frozen):
    """A limit without slack: of what thing, in which state of the plant, and what one more unit of it would save."""

    kind: str
    thing: str
    state: str = ""
    unit: str
    limit: float
    price: float
    text: str


class Shortfall(Frozen):
    """What a wish does not get: who, how much of what, where and when, the cost in the objective, and what stands in the way."""

    who: str
    amount: float
    unit: str
    where: str = ""
    month: str = ""
    cost: float
    because: tuple[str, ...] = ()
    text: str = ""


class Conflict(Frozen):
    """A small set of wishes and limits that cannot all hold."""

    wishes: tuple[str, ...]
    proven_smallest: bool = False


class Sensitivity(Frozen):
    """What becomes of the objective, shortage and moves when demand is a little different ("+5 %")."""

    change: str
    objective: float
    shortage: float
    moves: float
    text: str = ""


class Table(Frozen):
    """Rows under named columns; a column with a unit ends in it ("supply_rru"), months are written 2026-11."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Alternative(Frozen):
    """Another plan, or doing nothing, on the same scales."""

    name: str
    text: str = ""
    objective: float | None = None
    shortage: float | None = None
    moves: int | None = None
    cost_usd: float | None = None


class Solution(Frozen):
    """The record of one solve, keyed by the digest of the plan it stands beside.

    `route` is how it was solved ("mip", "rounding", "prices", ...) and `why` why so; `bound` is proven by the method `bound_by`
    and `gap` = (objective - bound) / objective, also in servers and kW. `costs` are the parts of the objective, in `currency`.
    `risks` are what was declared instead of being covered (overcommit); `notes` what a reader must know.
    """

    schema_version: Literal[1] = 1
    formulation: str
    plan: str
    plan_digest: str
    fleet: str
    fleet_digest: str
    status: SolveStatus
    route: str
    why: str = ""
    objective: float
    bound: float
    bound_by: str = ""
    gap: float
    gap_servers: float | None = None
    gap_kw: float | None = None
    seconds: float
    size: dict[str, int] = {}
    currency: str = "points"
    costs: dict[str, float] = {}
    binding: tuple[Binding, ...] = ()
    shortfalls: tuple[Shortfall, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    sensitivity: tuple[Sensitivity, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    tables: tuple[Table, ...] = ()
    risks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    inputs: dict[str, str] = {}
    command: str = ""

    def table(self, name: str) -> Table | None:
        """Return a table by name, or None."""
        return next((table for table in self.tables if table.name == name), None)
