"""`fleetwin demo`: write the example fleet with gates and plans, and check three plans on it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

import scenarios
from reports.jsonout import render_json
from reports.outputs import Context, write_outputs
from reports.terminal import STYLES, why
from scenarios.fleets.example import example_fleet
from twin.cli.check import traces
from twin.cli.inputs import find_gates, find_suite, lines_of, progress_bar
from twin.evaluate import check as evaluate
from twin.files.atomic import write_atomic
from twin.files.documents import read_plan
from twin.files.fleet import read_fleet, write_fleet
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.records.verdict import Verdict

PLANS = ("safe", "unsafe", "unproven")
_DOCUMENTS = Path(scenarios.__file__).parent / "demo"
_SAYING = {
    "pass": "may go ahead",
    "fail": "must not go ahead",
    "inconclusive": "we cannot tell",
}


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write the example.")] = Path("demo"),
    jobs: Annotated[int, typer.Option(min=1, help="Processes (default: one per processor).")] = os.cpu_count()
    or 1,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that were changed.")] = False,
) -> int:
    """Write an example fleet, gates and plans into a folder, and check three of the plans.

    One plan is safe, one is the same work at the wrong hour, and of one the evidence does not tell. The reports are
    written into the folder, too. The exit code is 0 when all three could be judged, whatever the verdicts.

    Examples:
      fleetwin demo
      fleetwin check demo/plans/unsafe.yaml --fleet demo/fleet.yaml
      fleetwin inspect demo/fleet.yaml --blast-radius ams1-msb-1
    """
    started = time.monotonic()
    console = Console()
    write_example(folder, force=force)
    console.print(f"wrote {folder}/: fleet.yaml, gates/, suites/ and plans/\n")
    fleet = read_fleet(folder / "fleet.yaml")
    for name in PLANS:
        verdict = _judge(folder, name, fleet, jobs=jobs)
        _show(console, folder, name, verdict)
    console.print(f"three verdicts in {time.monotonic() - started:.0f} s. Look again with:")
    for line in _next_steps(folder):
        console.print(Padding(Text(line), (0, 2)), soft_wrap=True)
    return 0


def write_example(folder: Path, *, force: bool = False) -> None:
    """Write the example's fleet, gates, suites and plans; refuse to lose what somebody changed in them."""
    documents = {
        path.relative_to(_DOCUMENTS): path.read_text("utf-8") for path in sorted(_DOCUMENTS.rglob("*.yaml"))
    }
    fleet = example_fleet()
    if not force:
        changed = [str(folder / name) for name, text in documents.items() if _differs(folder / name, text)]
        if (folder / "fleet.yaml").exists() and read_fleet(folder / "fleet.yaml") != fleet:
            changed.append(str(folder / "fleet.yaml"))
        if changed:
            raise UsageError(
                f"{', '.join(changed)} would be overwritten; name another folder, or add --force"
            )
    for name, text in documents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / name, text)
    write_fleet(fleet, folder / "fleet.yaml")


def _differs(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") != text


def _judge(folder: Path, name: str, fleet: Fleet, *, jobs: int) -> Verdict:
    """Check one plan as `fleetwin check` would, and write its reports."""
    path = folder / "plans" / f"{name}.yaml"
    plan = read_plan(path)
    gates, gates_path = find_gates(None, path, path)
    suite, suite_path = find_suite(gates.suite, gates_path)
    inputs = {
        "plan": str(path),
        "fleet": str(folder / "fleet.yaml"),
        "gates": str(gates_path),
        "suite": suite_path,
    }
    with progress_bar(Console(stderr=True), f"checking {name}") as progress:
        verdict = evaluate(plan, fleet, gates=gates, suite=suite, jobs=jobs, progress=progress, lines=lines_of(path),
                           path=str(path), inputs=inputs)  # fmt: skip
    reports = folder / "reports"
    reports.mkdir(exist_ok=True)
    write_atomic(reports / f"{name}.json", render_json(verdict))
    context = Context(
        plan=plan, traces=tuple(traces(verdict)), plan_file=str(path), stored=str(reports / f"{name}.json")
    )
    write_outputs(verdict, f"html={reports / name}.html", write=write_atomic, context=context)
    return verdict


def _show(console: Console, folder: Path, name: str, verdict: Verdict) -> None:
    saying = _SAYING.get(verdict.result, verdict.result)
    plan, stored = folder / "plans" / f"{name}.yaml", folder / "reports" / f"{name}.json"
    head = Text.assemble((f"{verdict.result.upper()}", STYLES[verdict.result]), f"  {plan}: {saying}")
    console.print(head, soft_wrap=True)
    for gate in verdict.gate_results:
        if (
            gate.result == verdict.result
            and gate.result in ("fail", "inconclusive", "error")
            and gate.level == "block"
        ):
            console.print(Padding(why(gate.stored_at(str(stored))), (0, 0, 0, 2)))
    console.print(
        f"  report: {folder / 'reports' / name}.html (exit code {verdict.exit_code})\n", soft_wrap=True
    )


def _next_steps(folder: Path) -> Iterator[str]:
    fleet = folder / "fleet.yaml"
    yield f"fleetwin check {folder / 'plans' / 'unsafe.yaml'} --fleet {fleet}"
    yield f"fleetwin replay {folder / 'reports' / 'unsafe.json'} breakers"
    yield f"fleetwin inspect {fleet} --blast-radius ams1-msb-1"
    yield f"fleetwin draw {fleet} power -o power.svg"
