"""The files of the capacity report: `-o capacity.html`, or ``--out html=…,md=…,json=…,csv=FOLDER``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from reports.capacity.html import render_html
from reports.capacity.jsonout import render_json
from reports.capacity.markdown import render_markdown
from reports.capacity.tables import render_tables
from reports.outputs import Output, parse_outputs
from twin.model.errors import UsageError
from twin.records.capacity_report import CapacityReport

KINDS: dict[str, Callable[[CapacityReport], str]] = {
    "html": render_html,
    "md": render_markdown,
    "json": render_json,
}
_KINDS = (*KINDS, "csv")
_ENDINGS = {".html": "html", ".htm": "html", ".md": "md", ".json": "json", "": "csv"}


def plan_outputs(file: Path | None, specs: Sequence[str]) -> tuple[Output, ...]:
    """Return what to write: a file by its ending (a folder without one holds tables), and what each --out names.

    Raises UsageError when nothing is named, an ending is unknown, or a place cannot be written to; before the work starts.
    """
    named = list(specs)
    if file is not None:
        if file.suffix.lower() not in _ENDINGS:
            raise UsageError(f"-o {file}: end it in .html, .md or .json, or name a folder for the CSV tables")
        named.insert(0, f"{_ENDINGS[file.suffix.lower()]}={file}")
    outputs = tuple(output for spec in named for output in parse_outputs(spec, _KINDS))
    if not outputs:
        raise UsageError(
            "nowhere to write the report: give -o capacity.html, or --out html=…,md=…,json=…,csv=FOLDER"
        )
    return outputs


def write_report(
    report: CapacityReport,
    outputs: Sequence[Output],
    *,
    write: Callable[[str, str], object],
    show: Callable[[str], object],
) -> tuple[str, ...]:
    """Render everything, then write it with *write(path, text)*; "-" goes to *show*. Return the paths, a folder as itself."""
    files: list[tuple[str, str]] = []
    for output in outputs:
        if output.kind == "csv":
            tables = render_tables(report)
            files += [(str(Path(output.path) / name), content) for name, content in tables.items()]
        else:
            files.append((output.path, KINDS[output.kind](report)))
    for output in outputs:
        if output.kind == "csv":
            Path(output.path).mkdir(exist_ok=True)
    for path, content in files:
        show(content) if path == "-" else write(path, content)
    return tuple(output.path for output in outputs if output.path != "-")
