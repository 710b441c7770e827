"""The files of ``--out json=…,junit=…,sarif=…,md=…,html=…``: parsed before the work, written after it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from reports.html import render_html
from reports.jsonout import render_json
from reports.junit import render_junit
from reports.markdown import render_markdown
from reports.sarif import render_sarif
from reports.trace import Trace
from twin.model.errors import UsageError, did_you_mean
from twin.model.plan import Plan
from twin.records.verdict import Verdict


class Context(NamedTuple):
    """What a report may show besides the verdict."""

    plan: Plan | None = None
    traces: Sequence[Trace] = ()
    plan_file: str = ""
    stored: str = ""  # the file of the verdict as JSON

    def told(self, verdict: Verdict) -> Verdict:
        """Return the verdict with its file in its commands: for people (as JSON it is the same wherever it is stored)."""
        return verdict.stored_at(self.stored) if self.stored else verdict


KINDS: dict[str, Callable[[Verdict, Context], str]] = {
    "json": lambda verdict, context: render_json(verdict),
    "junit": lambda verdict, context: render_junit(context.told(verdict)),
    "sarif": lambda verdict, context: render_sarif(context.told(verdict), plan_file=context.plan_file),
    "md": lambda verdict, context: render_markdown(context.told(verdict)),
    "html": lambda verdict, context: render_html(
        verdict, plan=context.plan, traces=context.traces, stored=context.stored
    ),
}


class Output(NamedTuple):
    """One file to write; "-" is the standard output."""

    kind: str
    path: str


def parse_outputs(spec: str, kinds: Sequence[str] = tuple(KINDS)) -> tuple[Output, ...]:
    """Return the outputs that *spec* ("json=verdict.json,md=-") names; call it before the work starts.

    A kind "csv" is a folder of files: it may be there already, and cannot go to the standard output.

    Raises
    ------
    UsageError
        On an unknown kind, a missing path, a path named twice, or a folder that does not exist; all at once.
    """
    outputs = [
        Output(kind.strip(), path.strip())
        for part in spec.split(",")
        for kind, _, path in [part.partition("=")]
    ]
    problems = [problem for output in outputs if (problem := _problem(output, kinds))]
    paths = [output.path for output in outputs]
    problems += [
        f"'{path}' is named twice" for path in sorted({path for path in paths if paths.count(path) > 1})
    ]
    if problems:
        raise UsageError(f"--out {spec}: " + "; ".join(problems))
    return tuple(outputs)


def write_outputs(
    verdict: Verdict,
    spec: str,
    *,
    write: Callable[[str, str], object],
    show: Callable[[str], object] | None = None,
    context: Context | None = None,
) -> tuple[str, ...]:
    """Render all reports that *spec* names, then write them with *write(path, text)*; return the paths.

    Nothing is written unless every report could be rendered. "-" goes to *show* (standard output).
    """
    context = context or Context()
    rendered = [(output.path, KINDS[output.kind](verdict, context)) for output in parse_outputs(spec)]
    for path, content in rendered:
        if path == "-":
            (show or sys.stdout.write)(content)
        else:
            write(path, content)
    return tuple(path for path, _ in rendered if path != "-")


def _problem(output: Output, kinds: Sequence[str]) -> str:
    if output.kind not in kinds:
        hint = did_you_mean(output.kind, list(kinds)) or f"write one of {', '.join(kinds)}"
        return f"there is no report '{output.kind}' ({hint})"
    if output.kind == "csv":
        return _folder_problem(output)
    if not output.path:
        return f"'{output.kind}' needs a file: {output.kind}=FILE, or {output.kind}=- for the standard output"
    folder = Path(output.path).parent
    if output.path != "-" and not folder.is_dir():
        return f"there is no folder '{folder}' for '{output.path}'"
    if output.path != "-" and Path(output.path).is_dir():
        return f"'{output.path}' is a folder"
    return ""


def _folder_problem(output: Output) -> str:
    if output.path in ("", "-"):
        return "'csv' needs a folder: csv=FOLDER"
    if not Path(output.path).parent.is_dir():
        return f"there is no folder '{Path(output.path).parent}' for '{output.path}'"
    return f"'{output.path}' is a file" if Path(output.path).is_file() else ""
