"""A verdict inside GitHub Actions: the step summary, and annotations on the plan's lines.

GitHub shows at most 10 error, 10 warning and 10 notice annotations per step, and refuses a step summary above
1 MiB (docs.github.com, "Workflow commands" and actions/toolkit, "problem matchers", read in November 2026).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from reports.markdown import render_markdown
from reports.sarif import locate
from twin.records import text
from twin.records.verdict import GateResult, Verdict

PER_STEP = 10
SUMMARY_BYTES = 1024 * 1024
_TITLES = {
    "fail": "failed",
    "error": "could not be judged",
    "inconclusive": "did not decide",
    "waived": "is waived",
    "warn": "warns",
}


class Annotation(NamedTuple):
    """One annotation: *level* is error, warning or notice."""

    level: str
    title: str
    message: str
    file: str
    line: int


def report_to_github(
    verdict: Verdict, *, environ: Mapping[str, str], show: Callable[[str], object], plan_file: str = ""
) -> bool:
    """Write the step summary and show the annotations; return False outside of GitHub Actions."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return False
    for annotation in annotate(verdict, plan_file=plan_file):
        show(command(annotation) + "\n")
    if summary := environ.get("GITHUB_STEP_SUMMARY"):
        _append(Path(summary), render_markdown(verdict))
    return True


def annotate(verdict: Verdict, *, plan_file: str = "") -> list[Annotation]:
    """Return the annotations of a verdict, worst first, within GitHub's limit per level.

    Where more were found than are shown, the last one shown says how many are missing.
    """
    found = list(_all(verdict, plan_file or verdict.inputs.get("plan", "")))
    return [
        row
        for level in ("error", "warning", "notice")
        for row in _first(row for row in found if row.level == level)
    ]


def command(annotation: Annotation) -> str:
    """Return the workflow command of an annotation, with everything escaped that would end it early."""
    properties = {
        "file": annotation.file,
        "line": str(annotation.line) if annotation.file else "",
        "title": annotation.title,
    }
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{annotation.level} {listed}::{_data(annotation.message)}"


def _all(verdict: Verdict, plan_file: str) -> Iterator[Annotation]:
    for finding in verdict.findings:
        file, line = locate(finding, plan_file)
        mend = f"\n{finding.mend}" if finding.mend else ""
        yield Annotation("error", f"fleetwin: {finding.rule}", f"{finding.what}{mend}", file, line)
    for gate in text.by_severity(verdict.gate_results):
        if gate.result != "pass":
            yield _of_gate(gate, plan_file)


def _of_gate(gate: GateResult, plan_file: str) -> Annotation:
    blocks = gate.level == "block" and gate.result in ("fail", "error", "inconclusive")
    level = "error" if blocks else "warning" if gate.result in ("fail", "warn", "waived") else "notice"
    lines = [f"{text.rule(gate)}: {text.evidence(gate)}", gate.waiver, gate.because]
    message = "\n".join(line for line in lines if line)
    return Annotation(level, f"fleetwin: {gate.id} {_TITLES[gate.result]}", message, plan_file, 1)


def _first(found: Iterable[Annotation]) -> list[Annotation]:
    rows = list(found)
    if len(rows) <= PER_STEP:
        return rows
    last, left = rows[PER_STEP - 1], len(rows) - PER_STEP
    return [
        *rows[: PER_STEP - 1],
        last._replace(message=f"{last.message}\n… and {left} more, see the step summary"),
    ]


def _append(path: Path, page: str) -> None:
    """Append to the summary what still fits: GitHub drops the whole of one that is too large."""
    data = page.encode()
    taken = path.stat().st_size if path.exists() else 0
    if taken + len(data) <= SUMMARY_BYTES:
        with path.open("ab") as file:
            file.write(data)


def _data(words: str) -> str:
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    return _data(words).replace(":", "%3A").replace(",", "%2C")
