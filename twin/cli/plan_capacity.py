"""`fleetwin plan capacity`: who gets which servers."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.status import Status

from solvers.interrupt import stoppable
from solvers.problem import Prices
from solvers.proposal import Proposal
from twin.cli.inputs import find_gates, find_suite, read_time
from twin.cli.plan_options import (
    Explain,
    FleetPath,
    Force,
    Output,
    Start,
    TimeLimit,
    read_option,
)
from twin.cli.plan_output import hand_over, refuse_to_overwrite
from twin.files.fleet import read_fleet
from twin.model.demand import read_demand, with_demand
from twin.model.errors import UsageError

if TYPE_CHECKING:
    from agents.refine import Judge, Refined, Round

Route = Literal["auto", "mip", "prices"]


def capacity(
    fleet: FleetPath,
    output: Output = None,
    demand: Annotated[
        str | None, typer.Option(metavar="CHANGE", help="Plan for another demand, e.g. +20%.")
    ] = None,
    survive: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAMILIES",
            help="Families of failure domains of which any one may be lost, besides those of the fleet: rack,row,site,panel...",
        ),
    ] = None,
    overcommit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FACTOR", help="Keep less than a reservation promises, as a declared risk."
        ),
    ] = None,
    spread: Annotated[
        float | None,
        typer.Option(min=1, help="Pay for what a domain holds above so many times its even share."),
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(metavar="WHAT=POINTS", help="Another price: move, use, spread, buffer, shortage."),
    ] = None,
    wave: Annotated[int, typer.Option(min=1, help="Servers that move at once.")] = 50,
    start: Start = None,
    watch: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="How long the plan's window stays open after its last step, e.g. over the next peak: it is judged until then.",
        ),
    ] = "1 h",
    name: Annotated[str, typer.Option(help="The name of the plan.")] = "capacity",
    route: Annotated[Route, typer.Option(help="How to solve it. [default: by size]")] = "auto",
    gap: Annotated[str, typer.Option(metavar="PERCENT", help="Stop when it is proven this good.")] = "0.1 %",
    time_limit: TimeLimit = "60 s",
    explain: Explain = False,
    improve: Annotated[
        bool, typer.Option("--refine", help="Let the twin play the plan, learn from what fails, solve again.")
    ] = False,
    gates: Annotated[
        Path | None, typer.Option(help="With --refine: the gate set (default: in gates/ beside the fleet).")
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="With --refine: the worlds (default: those of the gate set).")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, max=50, help="With --refine: rounds at most. [default: 10]")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="With --refine: processes. [default: one per processor]")
    ] = None,
    force: Force = False,
) -> int:
    """Plan who gets which servers, so that every reservation keeps its demand after any declared loss.

    Servers stay where they are and change their owner, in waves, within the power of every device before and after each loss
    and during each maintenance. What cannot be met is a shortfall with a price, never an error. Beside the plan stands its
    solution: how good it is, what binds, what one more kW would save. Ctrl-C gives the best plan so far.

    Examples:
      fleetwin plan capacity demo/fleet.yaml --demand +20% -o plan.yaml --explain
      fleetwin plan capacity fleet/ --survive rack,row --overcommit batch=1.2 -o plan.yaml
      fleetwin plan capacity big/ --time-limit 2min --gap 1% -o plan.yaml
      fleetwin plan capacity demo/fleet.yaml --demand +20% --refine -o plan2.yaml
    """
    from agents.refine import ROUNDS, refine
    from solvers.capacity import Form, plan_capacity
    from solvers.capacity_fleet import Wishes
    from solvers.capacity_solve import Effort

    refuse_to_overwrite(output, force=force)
    wishes = Wishes(
        survive=_words(survive),
        overcommit=_numbers(overcommit, "--overcommit"),
        prices=_prices(_numbers(price, "--price")),
        spread=spread,
    )
    factor = 1.0 if demand is None else read_demand(demand)
    today = read_fleet(fleet)
    screen = Console(stderr=True, highlight=False)
    if not improve and (gates or suite or rounds or jobs):
        raise UsageError(
            "--gates, --suite, --rounds and --jobs say how --refine works; give --refine as well"
        )
    with stoppable() as should_stop, screen.status("reading the fleet as cells") as status:
        effort = Effort(
            time_limit_s=read_option(time_limit, "duration", "--time-limit"),
            gap=read_option(gap, "ratio", "--gap"),
            should_stop=should_stop,
            progress=_teller(status),
            route=route,
        )
        form = Form(
            name=name,
            start=read_time(start, "--start"),
            wave=wave,
            watch=timedelta(seconds=read_option(watch, "duration", "--watch")),
        )
        if improve:
            judge = _judge(fleet, output, (gates, suite), demand, jobs or os.cpu_count() or 1)
            status.update("round 1: solving, then playing the plan")
            refined = refine(
                today,
                judge,
                demand=demand,
                wishes=wishes,
                effort=effort,
                form=form,
                rounds=rounds or ROUNDS,
                tell=_round_teller(screen, status),
            )
            proposal = _with_rounds(refined)
        else:
            proposal = plan_capacity(with_demand(today, factor), wishes, effort, form).proposal
    hand_over(
        _asked_for(proposal, demand=demand, gates=gates, suite=suite),
        today,
        fleet_path=fleet,
        output=output,
        command=shlex.join(["fleetwin", *sys.argv[1:]]),
        explain=explain,
    )
    return 0 if not improve else _verdict_code(refined)


def _teller(status: Status) -> Callable[[float, float, float, float], None]:
    """Return what shows how far the search is."""

    def tell(seconds: float, best: float, bound: float, gap: float) -> None:
        shown = f"best {best:,.6g}, bound {bound:,.6g}, gap {gap:.2%}" if gap < 1e3 else "no plan yet"
        status.update(f"searching {seconds:.0f} s: {shown} (Ctrl-C for the best so far)")

    return tell


def _judge(
    fleet: Path, output: Path | None, rules: tuple[Path | None, str | None], demand: str | None, jobs: int
) -> Judge:
    """Return the judge of `--refine`: gates and worlds as `fleetwin check` would find them for the plan."""
    from agents.refine import Judge

    gates, suite = rules
    the_gates, gates_path = find_gates(gates, output or Path("plan.yaml"), fleet)
    the_suite, suite_path = find_suite(suite or the_gates.suite, gates_path if suite is None else Path("."))
    return Judge(the_gates, the_suite, demand, jobs, Path(suite_path).parent)


def _round_teller(screen: Console, status: Status) -> Callable[[Round], None]:
    """Return what says a round in a few lines as soon as it is over: what failed where, and what that asks of the next plan."""

    def tell(one: Round) -> None:
        aim = ", asked for less" if one.less else ""
        said = f"the twin says {one.result}" if one.verdict is not None else "no plan to play"
        screen.print(f"round {one.number}{aim}: {one.moved} servers move; {said} ({one.seconds:.0f} s)")
        for text in one.short:
            screen.print(f"  not enough: {text}")
        seen = ""
        for requirement in one.learned:
            failed = f"  {requirement.gate} in {requirement.scenario}: {requirement.because}"
            if failed != seen:
                screen.print(failed)
            seen = failed
            screen.print(f"    → {requirement.text}")
        status.update(f"round {one.number + 1}: solving, then playing the plan")

    return tell


def _with_rounds(refined: Refined) -> Proposal:
    """Return the proposal of the best round with the log of all rounds in its solution."""
    best, solution = refined.best, refined.best.planned.proposal.solution
    tables = (refined.table(), *solution.tables)
    learned = tuple(
        f"learned in round {one.number}: {requirement.text}, because {requirement.because}"
        for one in refined.rounds
        for requirement in one.learned
    )
    asked = tuple(f"the plan of round {best.number} respects: {one.text}" for one in best.required)
    notes = (f"refined: {refined.ended}", *learned, *asked, *solution.notes)
    solved = solution.model_copy(update={"tables": tables, "notes": notes})
    return replace(best.planned.proposal, solution=solved)


def _verdict_code(refined: Refined) -> int:
    """Return the exit code of a refined plan: that of its verdict, which a person reads first."""
    best = refined.best
    which = f"; the plan is that of round {best.number}" if len(refined.rounds) > 1 else ""
    typer.echo(f"refined: {refined.ended}{which}", err=True)
    verdict = best.verdict
    return 0 if verdict is None else verdict.exit_code


def _asked_for(proposal: Proposal, **asked: Path | str | None) -> Proposal:
    """Return the proposal with the options that it was made with, for the report and for the command that judges it."""
    inputs = proposal.solution.inputs | {
        name: str(given) for name, given in asked.items() if given is not None
    }
    return replace(proposal, solution=proposal.solution.model_copy(update={"inputs": inputs}))


def _words(given: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(word.strip() for text in given or () for word in text.split(",") if word.strip())


def _numbers(given: Sequence[str] | None, option: str) -> dict[str, float]:
    """Read "name=1.2" pairs; all that is wrong with them at once."""
    found, wrong = {}, []
    for text in _words(given):
        name, _, number = text.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            wrong.append(text)
    if wrong:
        raise UsageError(f"{option}: {', '.join(map(repr, wrong))}; write e.g. {option} name=1.2")
    return found


def _prices(given: dict[str, float]) -> Prices:
    known = [field.name for field in fields(Prices)]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UsageError(f"--price: no price of {', '.join(unknown)}; prices: {', '.join(known)}")
    return Prices(**given)
