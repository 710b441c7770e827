"""What follows from the months of a solution: the risk of shortfall, the last day to order, what lead times leave open."""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Iterator
from datetime import date

from twin.model.errors import UsageError
from twin.records.capacity_report import BOUGHT, TABLES, Lead, Order, Risk, rows_of
from twin.records.solution import Cell, Solution
from twin.records.triangular import chance_above, mean_above

_MONTH = re.compile(r"^\d{4}-(0[1-9]|1[0-2])$")
_NUMBERS = ("_rru", "_usd", "_kw", "_u", "_t")  # how the columns of numbers end
_COUNTS = ("count", "now", "planned")


def check_tables(solution: Solution, where: str) -> None:
    """Refuse a solution whose tables cannot be reported.

    Raises
    ------
    UsageError
        When a table of an expansion or a reassignment lacks a column, or a cell is no number, no month, or out of order; all at
        once. The tables of other formulations are shown as they are.
    """
    names = TABLES if solution.formulation in ("expansion", "capacity") else ()
    problems = [problem for name in names for problem in _problems(solution, name)]
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems[:20])
        more = f"\n  - and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise UsageError(f"{where} cannot be reported; write it again with `fleetwin plan`:\n{listed}{more}")


def risks_of(solution: Solution) -> tuple[Risk, ...]:
    """Return the risk of shortfall of every service in every month, in the order of the table."""
    found = []
    for row in rows_of(solution, "demand_supply"):
        supply = float(row["supply_rru"] or 0.0)
        ends = _ends(row)
        found.append(
            Risk(
                month=str(row["month"]),
                service=str(row["service"]),
                chance=chance_above(supply, *ends),
                short_rru=mean_above(supply, *ends),
            )
        )
    return tuple(found)


def orders_of(solution: Solution, today: date) -> tuple[Order, ...]:
    """Return the orders, the first to be placed first."""
    found = []
    for row in rows_of(solution, "orders"):
        ordered, arrives = str(row["order_month"]), str(row["arrive_month"])
        order_by = last_day(ordered)
        found.append(
            Order(
                kind=str(row["kind"]),
                site=str(row["site"]),
                type=str(row["type"]),
                count=round(float(row["count"] or 0)),
                order_month=ordered,
                order_by=order_by,
                arrive_month=arrives,
                lead_months=_number(arrives) - _number(ordered),
                cost_usd=float(row["cost_usd"] or 0.0),
                late=order_by < today,
            )
        )
    return tuple(sorted(found, key=lambda order: (order.order_by, order.kind, order.site, order.type)))


def leads_of(orders: tuple[Order, ...], months: tuple[str, ...], today: date) -> tuple[Lead, ...]:
    """Return what the lead time of each kind that is bought leaves open; a kind that is not bought shows none."""
    longest: dict[tuple[str, str], int] = {}
    for order in orders:
        if order.kind in BOUGHT:
            key = (order.kind, order.type)
            longest[key] = max(longest.get(key, 0), order.lead_months)
    now = _number(f"{today:%Y-%m}")
    last = max(map(_number, months), default=now)
    return tuple(
        Lead(
            kind=kind,
            type=type_,
            months=lead,
            first_arrival=_month(now + lead),
            last_order=_month(last - lead),
        )
        for (kind, type_), lead in sorted(longest.items())
    )


def last_day(month: str) -> date:
    """Return the last day of a month written 2026-11."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, calendar.monthrange(year, number)[1])


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _month(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def _problems(solution: Solution, name: str) -> Iterator[str]:
    table = solution.table(name)
    if table is None:
        return
    months = [column for column in TABLES[name] if column.endswith("month")]
    numbers = [column for column in TABLES[name] if column.endswith(_NUMBERS) or column in _COUNTS]
    missing = [column for column in TABLES[name] if column not in table.columns]
    if missing:
        yield f"table {name}: no column {', '.join(missing)}"
        return
    ragged = [number for number, row in enumerate(table.rows, 1) if len(row) != len(table.columns)]
    if ragged:
        yield f"table {name}, row {ragged[0]}: not {len(table.columns)} cells, as it has columns"
        return
    for number, row in enumerate(rows_of(solution, name), 1):
        place = f"table {name}, row {number}"
        yield from (f"{place}: {key} {row[key]!r} is no month" for key in months if not _is_month(row[key]))
        wrong = [key for key in numbers if not _is_number(row[key])]
        yield from (f"{place}: {key} {row[key]!r} is no number" for key in wrong)
        if name == "demand_supply" and not wrong and list(_ends(row)) != sorted(_ends(row)):
            yield f"{place}: demand_low_rru, demand_rru and demand_high_rru are not in this order"


def _is_month(value: Cell) -> bool:
    return isinstance(value, str) and _MONTH.match(value) is not None


def _is_number(value: Cell) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _ends(row: dict[str, Cell]) -> tuple[float, float, float]:
    low, mode, high = (float(row[f"demand{end}_rru"] or 0.0) for end in ("_low", "", "_high"))
    return low, mode, high
