"""`fleetwin replay`: play the counter-example of a failed gate again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from reports.draw.arms import plot_arms
from reports.jsonout import parse_json
from twin.cli.inputs import find_suite, with_budget
from twin.evaluate.bench import Bench, set_up
from twin.evaluate.replay import Replay, replay_example
from twin.files.atomic import write_atomic
from twin.files.digest import digest
from twin.files.documents import read_gates, read_plan
from twin.files.fleet import read_fleet
from twin.model.demand import read_demand, read_growth
from twin.model.errors import StalePlan, UsageError
from twin.records.verdict import GateResult, Verdict, clock

SHOWN = 60


def replay(
    verdict: Annotated[Path, typer.Argument(help="A verdict written with --out json=FILE.")],
    gate: Annotated[str, typer.Argument(help="The gate that failed.")],
    quantity: Annotated[
        str, typer.Option(help="What to plot: power_w, power_va, peak_va, p99_ms, error_rate, facility_w.")
    ] = "",
    thing: Annotated[str, typer.Option(help="Of which unit, rack, service or site.")] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the plot (SVG, PNG or PDF).")
    ] = None,
) -> int:
    """Play the counter-example of a failed gate again: same world, same events.

    The plan, fleet, gates and suite are read from the places that the verdict names; when one of them has changed
    since, the replay would be of something else and is refused (exit 15).

    Examples:
      fleetwin replay verdict.json overloads
      fleetwin replay verdict.json overloads -o overload.svg
      fleetwin replay verdict.json overloads --quantity power_w --thing ams1-a01 -o rack.png
    """
    found = parse_json(verdict.read_bytes(), str(verdict))
    result = _gate(found, gate)
    if result.counter_example is None:
        raise UsageError(f"gate {gate!r} has no counter-example: its result is {result.result}")
    example = result.counter_example
    again = replay_example(_bench(found), example)
    console = Console(soft_wrap=True)
    where = f", {example.member}" if example.member else f", replication {example.replication}"
    console.print(
        f"[bold]{gate}[/bold] in scenario {example.scenario}{where}, plan played: {example.variant}\n{example.violation}"
    )
    _timeline(again, console)
    if output is not None:
        _plot(again, quantity, thing, output)
        console.print(f"\nwrote {output}")
    return 0


def _gate(verdict: Verdict, gate: str) -> GateResult:
    try:
        return verdict[gate]
    except KeyError as error:
        raise UsageError(str(error.args[0])) from None


def _bench(verdict: Verdict) -> Bench:
    if not {"plan", "fleet", "gates", "suite"} <= verdict.inputs.keys():
        raise UsageError(
            "the verdict does not say where its plan and fleet are; make it with fleetwin check --out json=FILE"
        )
    plan, fleet = read_plan(verdict.inputs["plan"]), read_fleet(verdict.inputs["fleet"])
    gates = read_gates(verdict.inputs["gates"])
    if "max_replications" in verdict.inputs:
        gates = with_budget(gates, int(verdict.inputs["max_replications"]))
    suite, suite_path = find_suite(verdict.inputs["suite"], Path(verdict.inputs["gates"]))
    changed = [
        noun
        for noun, record, known in (
            ("plan", plan, verdict.plan_digest),
            ("fleet", fleet, verdict.fleet_digest),
            ("gate set", gates, verdict.gates_digest),
            ("suite", suite, verdict.suite_digest),
        )
        if digest(record) != known
    ]
    if changed:
        raise StalePlan(f"the {' and the '.join(changed)} changed since this verdict; check the plan again")
    without = [law for law in verdict.inputs.get("without", "").split(",") if law]
    folder = Path(suite_path).parent
    demand = read_demand(verdict.inputs["demand"]) if "demand" in verdict.inputs else 1.0
    return set_up(
        plan,
        fleet,
        gates,
        suite,
        salt=verdict.purpose,
        folder=folder,
        without=without,
        demand=demand,
        growth=read_growth(verdict.inputs["growth"]) if "growth" in verdict.inputs else None,
        whole_window="whole_window" in verdict.inputs,
    )


def _timeline(again: Replay, console: Console) -> None:
    theirs = {(h.at_s, h.text) for h in again.reference.happenings}
    console.print("\nwith the plan (• also without it):")
    for happening in again.plan.happenings[:SHOWN]:
        mark = "•" if (happening.at_s, happening.text) in theirs else " "
        console.print(f" {mark} {clock(happening.at_s)}  {happening.text}", highlight=False)
    if len(again.plan.happenings) > SHOWN:
        console.print(f"   … and {len(again.plan.happenings) - SHOWN} more")


def _plot(again: Replay, quantity: str, thing: str, output: Path) -> None:
    if bool(quantity) != bool(thing):
        raise UsageError("give --quantity and --thing together")
    if quantity:
        plan, reference = again.trace(quantity, thing)
    elif again.plan.traces:
        plan, reference = again.plan.traces[0], again.reference.traces[0]
    else:
        raise UsageError("nothing to plot by itself for this gate; choose with --quantity and --thing")
    figure = plot_arms(plan, reference, title=f"{plan.thing} in {again.scenario} ({again.variant})")
    suffix = output.suffix or ".svg"
    part = output.with_name(f".{output.stem}.{os.getpid()}{suffix}")
    try:
        figure.savefig(part, dpi=150)
        write_atomic(output, part.read_bytes())
    finally:
        part.unlink(missing_ok=True)
