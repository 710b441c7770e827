"""The straight line: fleet + plan -> worlds -> runs -> metrics -> gates -> verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime
from pathlib import Path

from scenarios.suites import suite as builtin_suite
from twin.evaluate.bench import set_up
from twin.evaluate.looks import judge_scenarios
from twin.evaluate.play import players
from twin.evaluate.replay import attach_replays, counter_examples
from twin.evaluate.single import simulate
from twin.evaluate.verdict import rejected, verdict_of
from twin.files.digest import digest
from twin.gates.static import static_checks
from twin.model.demand import read_demand, read_growth
from twin.model.errors import StalePlan
from twin.model.fleet import Fleet
from twin.model.gateset import GateSet
from twin.model.plan import Plan
from twin.model.scenario import Suite
from twin.records.verdict import Verdict

Progress = Callable[[int, int, str], None]
Lines = dict[tuple[str | int, ...], int]


def check(  # noqa: PLR0913
    plan: Plan,
    fleet: Fleet,
    *,
    gates: GateSet,
    suite: Suite | None = None,
    jobs: int = 1,
    as_of: datetime | None = None,
    salt: str = "rehearsal",
    progress: Progress | None = None,
    lines: Lines | None = None,
    path: str = "plan",
    inputs: dict[str, str] | None = None,
    folder: Path | None = None,
    start_method: str | None = None,
    executor: Executor | None = None,
    without: Sequence[str] = (),
    demand: str | None = None,
    growth: str | None = None,
    whole_window: bool = False,
) -> Verdict:
    """Play "do nothing" and the plan in the same worlds, let every gate judge, and return the verdict.

    `suite` defaults to the one the gate set names, `folder` is where the traces it names lie; `as_of` (default: now) is the
    clock of waivers and of the snapshot's age. `without` names laws of physics to switch off: the verdict then says that
    they are not modelled. `demand` ("+20%") judges on today's fleet with that much more asked of it, `growth` ("40%" a year)
    in place of the growth that its demand declares; both stand in the verdict's inputs. Of a window longer than a month
    stretches are played (`twin/evaluate/stretches.py`), unless `whole_window` asks for all of it. Same inputs give the same
    verdict in any number of `jobs`. Raises StalePlan when the plan was written for another fleet, GateError and ScenarioError
    when gates or suite cannot be used, EvaluationError when a worker is lost.
    """
    as_of = as_of or datetime.now(UTC).replace(microsecond=0)
    suite = suite or builtin_suite(gates.suite)
    factor = read_demand(demand) if demand is not None else 1.0
    per_year = read_growth(growth) if growth is not None else None
    inputs = {**(inputs or {}), **({"demand": demand} if demand is not None else {})}
    inputs |= {"growth": growth} if growth is not None else {}
    inputs |= {"whole_window": "yes"} if whole_window else {}
    if plan.fleet is not None and plan.fleet != digest(fleet):
        raise StalePlan(
            f"plan {plan.name!r} was written for another snapshot of the fleet ({plan.fleet[:19]}…, this one is "
            f"{digest(fleet)[:19]}…); look at the plan again and renew its 'fleet:' line"
        )
    findings = static_checks(plan, fleet, lines=lines, path=path)
    if findings:
        return rejected(plan, fleet, gates, suite, findings, as_of=as_of, inputs=inputs)
    bench = set_up(
        plan,
        fleet,
        gates,
        suite,
        salt=salt,
        folder=folder,
        without=without,
        demand=factor,
        growth=per_year,
        whole_window=whole_window,
    )
    with players(bench, jobs, start_method=start_method, executor=executor) as play:
        evidence = judge_scenarios(bench, gates, play, progress=progress)
    shown = counter_examples(bench, evidence)
    verdict = verdict_of(plan, fleet, gates, bench, evidence, shown, as_of=as_of, purpose=salt, inputs=inputs)
    return attach_replays(verdict, bench)


__all__ = ["check", "simulate"]
