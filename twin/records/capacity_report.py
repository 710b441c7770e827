"""The capacity report as a record: all that the page shows, for whoever signs it and for machines.

A *state* is the fleet as it is, or as a plan leaves it, with what the twin found in it: headroom, stranded power, what each
single loss does, what a day costs. The *solution* is what the solver left beside its plan. A service is *short* when more of
its requests fail, or its 99th percentile is longer, than its users were promised, or when it is asked for more than its
servers can do.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from twin.records.solution import Cell, Solution, Table
from twin.records.verdict import Frozen, Result

LossResult = Literal["survived", "overload", "short"]


class Tight(Frozen):
    """The load of a unit (peak, VA) or link (bit/s) against its limit, now and after the worst single loss (`loss`)."""

    name: str
    kind: str
    site: str
    unit: Literal["VA", "bit/s"]
    limit: float
    load: float
    worst: float
    loss: str

    @property
    def worst_share(self) -> float:
        """Return the share of the limit that is used after the worst loss."""
        return self.worst / self.limit


class PowerDomain(Frozen):
    """A power domain: its budget, its load, the headroom, what of it more servers can use, and why not the rest."""

    name: str
    kind: str
    site: str
    budget_va: float
    load_va: float
    headroom_va: float
    usable_va: float
    fragmentation: float | None
    oversubscription_after_loss: float
    reasons: tuple[tuple[str, float], ...] = ()

    @property
    def stranded_va(self) -> float:
        """Return the headroom that no more servers can use."""
        return self.headroom_va - self.usable_va


class Loss(Frozen):
    """What one loss alone does: racks and servers that go down, services that are short, the most loaded unit and link.

    `result` is "short" when a service is short that was not before, "overload" when a unit or link goes above its limit that
    was not, else "survived".
    """

    name: str
    kind: str
    site: str
    racks: int
    servers: int
    short: tuple[str, ...]
    unit: str
    unit_share: float
    link: str
    link_share: float
    over: tuple[str, ...]
    result: LossResult


class Bill(Frozen):
    """What one site uses and pays for in one day, played in a world without faults."""

    site: str
    it_kwh: float
    overhead_kwh: float
    carbon_kg: float
    embodied_kg: float
    energy_usd: float
    servers_usd: float


class State(Frozen):
    """The fleet as it is or as a plan leaves it, and what was found in it; `problem` says why nothing could be."""

    name: str
    plan: str = ""
    plan_digest: str = ""
    servers: int = 0
    rru: float = 0.0
    tight: tuple[Tight, ...] = ()
    units: int = 0
    domains: tuple[PowerDomain, ...] = ()
    losses: tuple[Loss, ...] = ()
    short_now: tuple[str, ...] = ()
    over_now: tuple[str, ...] = ()
    bills: tuple[Bill, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""


class Risk(Frozen):
    """How likely the demand of a service is above its supply in a month, and what is short on average (RRU)."""

    month: str
    service: str
    chance: float
    short_rru: float


class Order(Frozen):
    """One order: `order_by` is the last day on which it still arrives in its month; `late` when that day is past."""

    kind: str
    site: str
    type: str
    count: int
    order_month: str
    order_by: date
    arrive_month: str
    lead_months: int
    cost_usd: float
    late: bool


class Lead(Frozen):
    """What a lead time leaves open: when an order of today arrives, and the last month of which an order still counts."""

    kind: str
    type: str
    months: int
    first_arrival: str
    last_order: str


class Judgement(Frozen):
    """A verdict of the twin in words, a line per gate (result, gate, limit, evidence); of another plan it counts for nothing."""

    file: str
    result: Result
    headline: str
    about_this_plan: bool
    gates: tuple[tuple[str, str, str, str], ...] = ()


class CapacityReport(Frozen):
    """The report: the solution as evidence, the states, and what follows from both.

    Where the solver left no plan (`has_plan` is false) there is no state after it. `at` is the instant at which loads were
    settled, `losses_left_out` the kinds of things whose single losses were not tried. `commands` say how each figure was made:
    "report", "verdict", and per state "STATE stranded", "STATE bill".
    """

    schema_version: Literal[1] = 1
    as_of: datetime
    at: datetime
    engine: str
    plan: str
    plan_digest: str
    description: str = ""
    fleet: str
    fleet_digest: str
    solution: Solution
    other_solution: Solution | None = None
    has_plan: bool = True
    states: tuple[State, ...]
    orders: tuple[Order, ...] = ()
    risks: tuple[Risk, ...] = ()
    leads: tuple[Lead, ...] = ()
    verdict: Judgement | None = None
    losses_left_out: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    inputs: dict[str, str] = {}
    commands: dict[str, str] = {}

    def rows(self, table: str) -> list[dict[str, Cell]]:
        """Return the rows of a table of the solution by column; none when it has no such table."""
        return rows_of(self.solution, table)

    @property
    def months(self) -> tuple[str, ...]:
        """The months that the solution is about, in order."""
        found = {str(row["month"]) for name in MONTHLY for row in self.rows(name)}
        return tuple(sorted(found))


BOUGHT = ("server", "module")  # kinds of orders that are placed with somebody, and take their lead time
# The tables of a solution that a report draws from, with their columns; others are shown as they are.
TABLES = {
    "demand_supply": ("month", "service", "demand_low_rru", "demand_rru", "demand_high_rru", "supply_rru", "short_rru"),
    "orders": ("kind", "site", "type", "count", "order_month", "arrive_month", "cost_usd"),
    "power": ("month", "site", "used_kw", "budget_kw"),
    "space": ("month", "site", "used_u", "capacity_u"),
    "cost": ("month", "capex_usd", "energy_usd", "total_usd"),
    "carbon": ("month", "embodied_t", "operational_t"),
    "changes": ("reservation", "site", "type", "now", "planned"),
    "reservations": (
        "reservation", "demand_rru", "capacity_rru", "after_worst_loss_rru", "worst_loss", "short_rru",
    ),
}  # fmt: skip
MONTHLY = ("demand_supply", "power", "space", "cost", "carbon")


def is_drawn(table: Table) -> bool:
    """Return whether a report draws from a table: by its name and its columns."""
    return table.name in TABLES and set(TABLES[table.name]) <= set(table.columns)


def rows_of(solution: Solution, name: str) -> list[dict[str, Cell]]:
    """Return the rows of a table by column; none when there is none with the columns that a report draws from."""
    table = solution.table(name)
    if table is None or not is_drawn(table):
        return []
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]
