"""`fleetwin plan expansion`: what to buy, build, move and retire over one to three years."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from solvers.expansion_fleet import ExpansionWishes
from solvers.interrupt import stoppable
from twin.cli.inputs import read_time
from twin.cli.plan_options import (
    Explain,
    FleetPath,
    Force,
    Output,
    Start,
    TimeLimit,
    command_line,
    read_number,
    read_option,
)
from twin.cli.plan_output import explain_solution, hand_over, refuse_to_overwrite
from twin.files.fleet import read_fleet
from twin.files.solution import beside
from twin.model.errors import UsageError
from twin.model.units import parse_quantity
from twin.records.solution import Solution

KINDS = ("server", "module", "move", "retire")
SHOWN = ("orders", "cost")  # the other tables have a row for every month and service or site


def expansion(
    fleet: FleetPath,
    output: Output = None,
    months: Annotated[int, typer.Option(min=12, max=36, help="How many months to plan.")] = 24,
    growth: Annotated[
        str | None,
        typer.Option(metavar="PERCENT", help="Growth of all demand per year, instead of what is declared."),
    ] = None,
    scenarios: Annotated[
        str | None,
        typer.Option(
            metavar="FACTOR:CHANCE,...", help="Courses of the growth, e.g. '0.5:25%,1:50%,1.5:25%'."
        ),
    ] = None,
    robust: Annotated[
        str, typer.Option(metavar="PERCENT", help="Plan for so much more demand in every scenario.")
    ] = "0 %",
    buy: Annotated[
        str | None, typer.Option(metavar="TYPES", help="Types that are sold, by comma. [default: all]")
    ] = None,
    price: Annotated[
        list[str] | None, typer.Option(metavar="TYPE=USD", help="Price of a type; may be repeated.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=1000, help="Servers are bought in multiples of this.")] = 1,
    lead: Annotated[int, typer.Option(min=0, max=36, help="Months from an order to a server at work.")] = 3,
    module_lead: Annotated[int, typer.Option(min=0, max=36, help="Months to build a power module.")] = 6,
    module: Annotated[
        str | None,
        typer.Option(metavar="POWER", help="Power of a module. [default: 1 MW, less for small sites]"),
    ] = None,
    module_price: Annotated[float, typer.Option(min=0, help="Price of modules, MUSD per MW.")] = 11.3,
    modules: Annotated[int, typer.Option(min=0, max=1000, help="Most modules at a site.")] = 10,
    budget: Annotated[
        float | None, typer.Option(min=0, help="MUSD that may be ordered each year. [default: any]")
    ] = None,
    retire_early: Annotated[
        bool,
        typer.Option("--retire-early", help="Retire servers before the end of their life where it saves."),
    ] = False,
    anywhere: Annotated[
        bool,
        typer.Option(
            "--anywhere",
            help="Let servers at any site of a service serve it. No step of the plan moves the traffic: you do.",
        ),
    ] = False,
    start: Start = None,
    time_limit: TimeLimit = "60 s",
    gap: Annotated[
        str, typer.Option(metavar="PERCENT", help="Stop when the plan is proven to be so close to the best.")
    ] = "1 %",
    explain: Explain = False,
    json: Annotated[bool, typer.Option("--json", help="Print the solution as JSON.")] = False,
    force: Force = False,
) -> int:
    """Plan what to buy, build, move and retire over one to three years, when and where.

    Demand grows, servers reach the end of their life, sites are full: the plan meets demand at the least cost of servers, power
    modules and energy, within space, power and budget. What cannot be met is priced and said. Beside the plan stands its
    solution with the months as tables: demand and supply, orders, power, space, cost, carbon. Ctrl-C gives the best plan so far.

    Examples:
      fleetwin plan expansion demo/fleet.yaml --months 24 -o exp.yaml
      fleetwin plan expansion demo/fleet.yaml --growth 40% --robust 15% --explain
      fleetwin plan expansion demo/fleet.yaml --scenarios 0.5:25%,1:50%,1.5:25% --budget 20 -o exp.yaml
    """
    from solvers.expansion import plan_expansion
    from solvers.proposal import first_hour

    refuse_to_overwrite(output, force=force)
    wishes = ExpansionWishes(
        months=months,
        growth=None if growth is None else read_number(growth, "ratio", "--growth"),
        scenarios=_scenarios(scenarios),
        margin=read_number(robust, "ratio", "--robust"),
        buy=None if buy is None else tuple(part.strip() for part in buy.split(",") if part.strip()),
        prices=dict(_price(text) for text in price or ()),
        batch=batch,
        early=retire_early,
        anywhere=anywhere,
        lead_months=lead,
        module_lead=module_lead,
        module_w=None if module is None else read_number(module, "power", "--module"),
        module_usd_per_w=module_price,
        module_most=modules,
        budget_usd=float("inf") if budget is None else budget * 1e6,
    )
    limit_s = read_option(time_limit, "duration", "--time-limit")
    close = read_number(gap, "ratio", "--gap")
    the_fleet = read_fleet(fleet)
    begin = first_hour(the_fleet, read_time(start, "--start"), datetime.now(UTC))
    with stoppable() as should_stop, _told(Console(stderr=True)) as tell:
        proposal = plan_expansion(
            the_fleet,
            wishes,
            start=begin,
            time_limit_s=limit_s,
            gap=close,
            should_stop=should_stop,
            progress=tell,
        )
    command = command_line(
        "expansion",
        fleet,
        months=months,
        start=begin.isoformat(),
        growth=growth,
        scenarios=scenarios,
        robust=robust,
        buy=buy,
        price=price,
        batch=batch,
        lead=lead,
        module_lead=module_lead,
        module=module,
        module_price=module_price,
        modules=modules,
        budget=budget,
        retire_early=retire_early or None,
        anywhere=anywhere or None,
        time_limit=time_limit,
        gap=gap,
    )
    if growth is not None:
        inputs = proposal.solution.inputs | {"growth": growth}
        proposal = replace(proposal, solution=proposal.solution.model_copy(update={"inputs": inputs}))
    if json and output is None:
        typer.echo(proposal.solution.model_dump_json(indent=1))
        return 0
    screen = Console(stderr=output is None or json, highlight=False)
    by_quarter(proposal.solution, screen)
    if explain:
        kept = tuple(table for table in proposal.solution.tables if table.name in SHOWN)
        explain_solution(proposal.solution.model_copy(update={"tables": kept}), screen)
    with redirect_stdout(sys.stderr if json else sys.stdout):
        hand_over(
            proposal,
            the_fleet,
            fleet_path=fleet,
            output=output,
            command=command,
            explain=False,
            judged=" --suite calm",  # seconds; worlds with losses or chance take minutes for a plan of years
        )
    if json and output is not None:
        typer.echo(beside(output).read_text(encoding="utf-8"), nl=False)
    return 0


def by_quarter(solution: Solution, screen: Console) -> None:
    """Print what is ordered in each quarter and what it costs, and how good the plan is."""
    orders, cost = solution.table("orders"), solution.table("cost")
    found: dict[str, dict[str, float]] = {}
    for kind, _, _, count, month, _, usd in () if orders is None else orders.rows:
        row = found.setdefault(_quarter(str(month)), dict.fromkeys((*KINDS, "usd"), 0.0))
        row[str(kind)] += float(count or 0)
        row["usd"] += float(usd or 0)
    table = Table("ordered in", "servers", "modules", "moves", "retired", "MUSD", box=None, pad_edge=False)
    for quarter in sorted({_quarter(str(row[0])) for row in cost.rows} if cost else found):
        row = found.get(quarter, dict.fromkeys((*KINDS, "usd"), 0.0))
        table.add_row(quarter, *(f"{row[kind]:,.0f}" for kind in KINDS), f"{row['usd'] / 1e6:,.2f}")
    screen.print(table)
    short = sum(row.amount for row in solution.shortfalls)
    screen.print(
        f"{solution.objective / 1e6:,.2f} MUSD of today, {solution.status}, at most {solution.gap:.2%} above the best;"
        f" {short:,.4g} RRU-months short"
    )


def _quarter(month: str) -> str:
    return f"{month[:4]}-Q{(int(month[5:]) + 2) // 3}"


@contextmanager
def _told(screen: Console) -> Iterator[Callable[[float, float, float, str], None]]:
    """Say on stderr how far the search is; nothing where stderr is not a terminal."""
    with screen.status("reading what is there") as status:

        def tell(seconds: float, objective: float, bound: float, doing: str) -> None:
            gap = max(0.0, objective - bound) / max(abs(objective), 1e-9)
            status.update(f"{seconds:.0f} s: {doing}; {objective / 1e6:,.2f} MUSD, gap {gap:.1%}")

        yield tell


def _scenarios(text: str | None) -> tuple[tuple[str, float, float], ...]:
    """Read "0.5:25%,1:50%,1.5:25%"."""
    if text is None:
        return (("base", 1.0, 1.0),)
    found = []
    for part in text.split(","):
        factor, _, chance = part.partition(":")
        try:
            found.append((f"x{factor.strip()}", float(factor), parse_quantity(chance.strip(), "ratio")))
        except ValueError as error:
            raise UsageError(
                f"--scenarios {text!r}: write FACTOR:CHANCE by comma, 0.5:25%,1:75% ({error})"
            ) from None
    return tuple(found)


def _price(text: str) -> tuple[str, float]:
    name, _, usd = text.partition("=")
    try:
        return name.strip(), float(usd)
    except ValueError:
        raise UsageError(f"--price {text!r}: write TYPE=USD, e.g. compute=12000") from None
