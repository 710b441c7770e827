"""Reading what the commands are given: fleets, plans, gate sets, suites, and the progress bar on long work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from scenarios.suites import suite as builtin_suite
from scenarios.suites import suite_names
from twin.files.documents import read_gates, read_suite
from twin.files.yaml import Mark, load
from twin.model.errors import GateError, Problem, ScenarioError, UsageError, did_you_mean
from twin.model.gateset import GateSet, Replications
from twin.model.scenario import Suite

DEFAULT_GATES = "gates"


def find_gates(given: Path | None, plan: Path, fleet: Path) -> tuple[GateSet, Path]:
    """Read the gate set: the one given, else the only one in `gates/` beside the plan, its folder, or the fleet."""
    if given is not None:
        return read_gates(given), given
    home = fleet if fleet.is_dir() else fleet.parent
    places = (plan.parent / DEFAULT_GATES, plan.parent.parent / DEFAULT_GATES, home / DEFAULT_GATES)
    for folder in dict.fromkeys(places):
        found = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
        if len(found) == 1:
            return read_gates(found[0]), found[0]
        if found:
            names = ", ".join(str(path) for path in found)
            raise UsageError(
                f"there are several gate sets beside the plan ({names}); choose one with --gates"
            )
    looked = ", ".join(str(place) for place in dict.fromkeys(places))
    raise UsageError(f"no gate set: give one with --gates (looked in {looked})")


def find_suite(name: str, near: Path) -> tuple[Suite, str]:
    """Read a suite by path (as given, or beside the file that names it, or in `suites/` next to it) or by built-in name."""
    base = near.parent
    for path in (Path(name), base / name, base.parent / "suites" / f"{name}.yaml", base / f"{name}.yaml"):
        if path.suffix in (".yaml", ".yml", ".json") and path.is_file():
            return read_suite(path), str(path)
    if name not in suite_names():
        known = ", ".join(suite_names())
        raise UsageError(
            f"no suite {name!r}: neither a file nor a built-in one ({did_you_mean(name, suite_names()) or known})"
        )
    return builtin_suite(name), name


def lines_of(path: Path) -> dict[tuple[str | int, ...], int]:
    """Return the line of every place in a document: ("steps", 2, "params") -> 17."""
    found: dict[tuple[str | int, ...], int] = {}

    def walk(mark: Mark, place: tuple[str | int, ...]) -> None:
        found[place] = mark.line
        for key, child in mark.children.items():
            walk(child, (*place, key))

    walk(load(path).mark, ())
    return found


@contextmanager
def problems_in(gates: GateSet, gates_path: Path, suite: Suite, suite_path: str) -> Iterator[None]:
    """Give the problems that show only once gates and suite meet the fleet their file and line."""
    rules = {f"gate {gate.id!r}": ("rules", i) for i, gate in enumerate(gates.rules)}
    worlds = {f"scenario {one.name}": ("scenarios", i) for i, one in enumerate(suite.scenarios)}
    try:
        yield
    except GateError as error:
        raise GateError(_located(error.problems, gates_path, rules)) from None
    except ScenarioError as error:
        if not Path(suite_path).is_file():
            raise
        raise ScenarioError(_located(error.problems, Path(suite_path), worlds)) from None


def _located(
    problems: Sequence[Problem], path: Path, places: Mapping[str, tuple[str | int, ...]]
) -> list[Problem]:
    lines = lines_of(path)

    def line(problem: Problem) -> int:
        named = [place for words, place in places.items() if words in problem.where.split(", ")[0]]
        return max((lines.get(place, 1) for place in named), default=1)

    return [replace(problem, where=f"{path}:{line(problem)} {problem.where}") for problem in problems]


def with_budget(gates: GateSet, replications: int) -> GateSet:
    """Return the gate set with another budget of replications."""
    try:
        budget = Replications(first=min(gates.replications.first, replications), max=replications)
    except ValueError as error:
        raise UsageError(f"--max-replications {replications}: {error}") from None
    return gates.model_copy(update={"replications": budget})


def read_time(text: str | None, option: str) -> datetime | None:
    """Read a time with a zone, e.g. 2026-11-21T12:00Z."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not a time; write e.g. 2026-11-21T12:00Z") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@contextmanager
def progress_bar(console: Console, title: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show a bar on stderr while something long runs; silent when stderr is not a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)

        def update(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=f"{title}: {text}")

        yield update
