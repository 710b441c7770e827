"""The pod lists of openb, and which pods run at an instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.model.errors import Problem, UsageError
from twin.sync.account import Account
from twin.sync.foreign import Column, Line, amount, count, optional, read_lines, text
from twin.sync.placement import WHOLE_GPU_MILLI, Pod
from twin.sync.workload import QUALITIES

PHASES = ("Running", "Succeeded", "Failed", "Pending")
_COLUMNS = (
    Column("name", text),
    Column("cpu_milli", count),
    Column("memory_mib", count),
    Column("num_gpu", count),
    Column("gpu_milli", count),
    Column("gpu_spec", optional, required=False, default=""),
    Column("qos", optional, required=False, default="LS"),
    Column("pod_phase", optional, required=False, default=""),
    Column("creation_time", amount, required=False),
    Column("scheduled_time", amount, required=False),
    Column("deletion_time", amount, required=False),
)


@dataclass(frozen=True)
class PodRow:
    """A pod with its times in seconds on the clock of the trace (None: it has none)."""

    pod: Pod
    created_s: float | None
    scheduled_s: float | None
    deleted_s: float | None

    def runs_at(self, at_s: float) -> bool:
        """Return whether the pod ran at an instant; one that never was scheduled (Pending) never did."""
        return (
            self.scheduled_s is not None
            and self.deleted_s is not None
            and self.scheduled_s <= at_s < self.deleted_s
        )


def read_pods(path: Path, models: set[str], problems: list[Problem]) -> list[PodRow]:
    """Return the pods of a list; append what is wrong with it (`models` are those that nodes have)."""
    lines = read_lines(path, _COLUMNS, problems)
    seen: set[str] = set()
    for line in lines:
        problems += [
            Problem(f"{line.where} {column}", what, mend) for column, what, mend in _faults(line, models)
        ]
        if line["name"] in seen:
            problems.append(Problem(f"{line.where} name", f"the pod {line['name']!r} stands twice"))
        seen.add(line["name"])
    return [_row(line) for line in lines]


def select(rows: Sequence[PodRow], at_s: float | None, account: Account) -> tuple[list[Pod], list[Pod]]:
    """Return the pods that run at an instant, by start, and all others, by creation.

    Without an instant, the first at which most pods run; without times in the list, no pod runs.
    """
    account.read(len(rows), "pods")
    timed = [row for row in rows if row.scheduled_s is not None and row.deleted_s is not None]
    account.read(len(rows) - len(timed), "of them that never ran", "they have no time of start or end")
    if at_s is None and timed:
        at_s = _busiest(timed)
        account.inferred(
            at_s, "s: the instant of the placement", "the first at which most pods run (--at chooses another)"
        )
    elif at_s is not None:
        _refuse_outside(timed, at_s)
        account.inferred(at_s, "s: the instant of the placement", "as chosen")
    running = [row for row in timed if at_s is not None and row.runs_at(at_s)]
    running.sort(key=lambda row: (row.scheduled_s or 0.0, row.pod.name))
    names = {row.pod.name for row in running}
    rest = [row for row in rows if row.pod.name not in names]
    rest.sort(key=lambda row: (row.created_s or 0.0, row.pod.name))
    return [row.pod for row in running], [row.pod for row in rest]


def _faults(line: Line, models: set[str]) -> Iterable[tuple[str, str, str]]:
    if line["qos"] not in QUALITIES:
        yield "qos", f"{line['qos']!r} is not one of {', '.join(QUALITIES)}", ""
    if line["pod_phase"] and line["pod_phase"] not in PHASES:
        yield "pod_phase", f"{line['pod_phase']!r} is not one of {', '.join(PHASES)}", ""
    if line["gpu_milli"] > WHOLE_GPU_MILLI or (line["num_gpu"] == 1 and not line["gpu_milli"]):
        yield "gpu_milli", f"{line['gpu_milli']} is no share of one GPU in thousandths", ""
    if not line["num_gpu"] and line["gpu_milli"]:
        yield "gpu_milli", "a share of a GPU, but num_gpu is 0", ""
    start, end = line["scheduled_time"], line["deletion_time"]
    if start is not None and end is not None and end < start:
        yield "deletion_time", "is before scheduled_time", ""
    unknown = sorted(set(filter(None, line["gpu_spec"].split("|"))) - models)
    if unknown and models:
        yield (
            "gpu_spec",
            f"no node has the GPU model {', '.join(unknown)}",
            f"models: {', '.join(sorted(models - {''}))}",
        )


def _row(line: Line) -> PodRow:
    pod = Pod(
        line["name"],
        line["cpu_milli"],
        line["memory_mib"],
        line["num_gpu"],
        line["gpu_milli"],
        frozenset(filter(None, line["gpu_spec"].split("|"))),
        line["qos"],
    )
    return PodRow(pod, line["creation_time"], line["scheduled_time"], line["deletion_time"])


def _busiest(rows: Sequence[PodRow]) -> float:
    """Return the first instant at which most pods run: a sweep over starts and ends."""
    events = sorted(
        [(row.deleted_s or 0.0, -1) for row in rows] + [(row.scheduled_s or 0.0, 1) for row in rows]
    )
    best, best_at, running = 0, events[0][0], 0
    for at_s, step in events:
        running += step
        if running > best:
            best, best_at = running, at_s
    return best_at


def _refuse_outside(rows: Sequence[PodRow], at_s: float) -> None:
    if not rows:
        raise UsageError("--at: this list of pods has no times")
    first, last = min(row.scheduled_s or 0.0 for row in rows), max(row.deleted_s or 0.0 for row in rows)
    if not first <= at_s < last:
        raise UsageError(f"--at {at_s:g}: the pods run between {first:g} s and {last:g} s")
