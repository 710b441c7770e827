"""Cost, energy and carbon: by month as planned, power and space against their limits, and what a day costs in each state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup

from reports.capacity.blocks import Block, Column, Grid, Picture, Words
from reports.capacity.made import by_report, by_solver, by_twin, number, studied
from reports.capacity.month_svg import draw_limit, draw_piles
from twin.records.capacity_report import CapacityReport
from twin.records.solution import Cell

Row = dict[str, Cell]
MOST_CHARTS = 12
_YEARS = (
    Column("year", "year"),
    Column("capex_usd", "bought [USD]", "number"),
    Column("energy_usd", "energy [USD]", "number"),
    Column("total_usd", "total [USD]", "number"),
    Column("embodied_t", "embodied carbon [t]", "number"),
    Column("operational_t", "operational carbon [t]", "number"),
)
_BILLS = (
    Column("state", "state"),
    Column("site", "site"),
    Column("it_kwh", "IT [kWh]", "number"),
    Column("overhead_kwh", "overhead [kWh]", "number"),
    Column("energy_usd", "energy [USD]", "number"),
    Column("servers_usd", "servers written off [USD]", "number"),
    Column("carbon_kg", "carbon [kg]", "number"),
    Column("embodied_kg", "embodied carbon [kg]", "number"),
)


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Show the months if there are any, then the day."""
    cost, carbon = _by_month(report.rows("cost")), _by_month(report.rows("carbon"))
    yield from _months(report, cost, carbon)
    yield from _limits(report)
    yield from _days(report)


def _by_month(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: str(row["month"]))


def _months(report: CapacityReport, cost: list[Row], carbon: list[Row]) -> Iterator[Block]:
    drawings: list[Markup] = []
    for title, unit, rows, parts in (
        ("Cost by month", "USD", cost, (("bought", "part-load", "capex_usd"), ("energy", "part-used", "energy_usd"))),
        ("Carbon by month", "t CO2e", carbon,
         (("embodied", "part-load", "embodied_t"), ("operational", "part-used", "operational_t"))),
    ):  # fmt: skip
        if rows:
            months = [str(row["month"]) for row in rows]
            piles = [(name, style, [number(row, key) for row in rows]) for name, style, key in parts]
            drawings.append(draw_piles(title, unit, months, piles))
    if not drawings:
        yield Words("This solution has no months, and so no cost by month.")
        return
    key = (("part-load", "bought, embodied"), ("part-used", "energy, operational"))
    yield Picture("Cost and carbon by month", tuple(drawings), by_report(report), key=key)
    years: dict[str, list[float]] = {}
    for rows, first in ((cost, 1), (carbon, 4)):
        for row in rows:
            sums = years.setdefault(str(row["month"])[:4], [0.0] * 5)
            for index, column in enumerate(_YEARS[first : first + (3 if first == 1 else 2)], first - 1):
                sums[index] += number(row, column.key)
    table: list[tuple[str | float, ...]] = [(year, *sums) for year, sums in sorted(years.items())]
    table.append(("in all", *(sum(values) for values in zip(*years.values(), strict=True))))
    yield Grid("years", "Cost and carbon by year", _YEARS, table, by_solver(report))


def _limits(report: CapacityReport) -> Iterator[Block]:
    for table, title, unit, used, limit in (
        ("power", "Power against its budget, by site", "kW", "used_kw", "budget_kw"),
        ("space", "Space against what there is, by site", "U", "used_u", "capacity_u"),
    ):
        sites: dict[str, list[Row]] = {}
        for row in _by_month(report.rows(table)):
            sites.setdefault(str(row["site"]), []).append(row)
        fullest = sorted(sites, key=lambda site: -_fullest(sites[site], used, limit))
        if fullest:
            left = len(fullest) - MOST_CHARTS
            yield Picture(
                f"{title}, fullest first",
                tuple(_drawn(site, sites[site], unit, (used, limit)) for site in fullest[:MOST_CHARTS]),
                by_report(report),
                note=f"{left:,} more sites are in the tables." if left > 0 else "",
            )
            columns = (Column("month", "month"), Column("site", "site"), Column(used, f"used [{unit}]", "number"),
                       Column(limit, f"limit [{unit}]", "number"))  # fmt: skip
            rows = [tuple(row[column.key] for column in columns) for row in report.rows(table)]
            rows.sort(key=lambda row: -float(row[2] or 0) / (float(row[3] or 0) or 1.0))
            yield Grid(
                table,
                f"{table.title()} by month and site, fullest first",
                columns,
                rows,
                by_solver(report),
                most=6,
            )


def _fullest(rows: list[Row], used: str, limit: str) -> float:
    return max(number(row, used) / (number(row, limit) or 1.0) for row in rows)


def _drawn(site: str, rows: list[Row], unit: str, keys: tuple[str, str]) -> Markup:
    values: Callable[[str], list[float]] = lambda key: [number(row, key) for row in rows]  # noqa: E731
    return draw_limit(site, unit, [str(row["month"]) for row in rows], values(keys[0]), values(keys[1]))


def _days(report: CapacityReport) -> Iterator[Block]:
    states = studied(report)
    rows: list[tuple[str | float, ...]] = []
    for state in states:
        amounts = [
            (
                bill.it_kwh,
                bill.overhead_kwh,
                bill.energy_usd,
                bill.servers_usd,
                bill.carbon_kg,
                bill.embodied_kg,
            )
            for bill in state.bills
        ]
        rows += [(state.name, bill.site, *row) for bill, row in zip(state.bills, amounts, strict=True)]
        if amounts:
            rows.append((state.name, "all sites", *(sum(values) for values in zip(*amounts, strict=True))))
    if rows:
        command = by_twin(report, states[0], "bill") if len(states) == 1 else by_report(report)
        note = f"One day from {report.at:%Y-%m-%d %H:%M} UTC, played by the twin without faults; carbon is operational."
        yield Grid("day", "What one day uses and costs", _BILLS, rows, command, note=note, most=24)
