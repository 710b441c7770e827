"""Golden LP files: each constraint of a formulation alone, on a toy, as a person would read it.

A block of rows is compared with `tests/solvers/golden/FORMULATION/BLOCK.lp`, the costs with `objective.lp`; neither the order
of rows nor that of terms counts. With FLEETWIN_REWRITE_GOLDEN=1 the files are written instead: read the difference before
you commit it.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from solvers.linear import LinearProgram
from solvers.pyomo_model import write_lp

FOLDER = Path(__file__).parent / "golden"
OBJECTIVE = "objective"
_SECTION = re.compile(r"^(min|max|s\.t\.|bounds|general|binary|end)\s*:?$", re.IGNORECASE)


def check_golden(program: LinearProgram, formulation: str, constraints: Iterable[str]) -> None:
    """Compare each block and the objective with its file; `constraints` are the names that there must be, no more, no less."""
    blocks = [block.name for block in program.row_blocks]
    assert sorted(blocks) == sorted(constraints), "a toy must show every constraint of its formulation"
    folder = FOLDER / formulation
    texts = {name: lp_text(program, name) for name in [*blocks, OBJECTIVE]}
    if os.environ.get("FLEETWIN_REWRITE_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name}.lp").write_text(text, encoding="utf-8")
    files = {path.stem for path in folder.glob("*.lp")}
    assert files == texts.keys(), f"{folder.name}: one LP file per constraint (FLEETWIN_REWRITE_GOLDEN=1)"
    for name, text in texts.items():
        assert text == (folder / f"{name}.lp").read_text(encoding="utf-8"), f"{formulation}/{name}.lp"


def lp_text(program: LinearProgram, name: str) -> str:
    """Return one block of rows without costs, or the costs without rows, as LP text in canonical order."""
    alone = program.only([] if name == OBJECTIVE else [name])
    if name != OBJECTIVE:
        alone = dataclasses.replace(alone, cost=np.zeros_like(alone.cost), offset=0.0)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.lp"
        write_lp(alone, path)
        return canonical(path.read_text(encoding="utf-8"))


def canonical(text: str) -> str:
    """Return LP text with its comments gone and its rows, terms and bounds in alphabetical order."""
    lines = [line.strip() for line in re.sub(r"\\\*.*?\*\\", "", text, flags=re.DOTALL).splitlines()]
    sections: list[tuple[str, list[str]]] = []
    for line in filter(None, lines):
        if _SECTION.match(line):
            sections.append((line, []))
        else:
            sections[-1][1].append(line)
    shown = []
    for head, body in sections:
        rows = _rows(body) if head in ("min", "max", "s.t.") else sorted(body)
        shown.append("\n".join([head, *rows]))
    return "\n\n".join(shown) + "\n"


def _rows(lines: list[str]) -> list[str]:
    """Return the rows of a section, "name:" first, then the terms in order, then the sides."""
    rows: list[list[str]] = []
    for line in lines:
        if line.endswith(":"):
            rows.append([line])
        else:
            rows[-1].append(line)
    return ["\n".join(_sorted(row)) for row in sorted(rows)]


def _sorted(row: list[str]) -> list[str]:
    sides = [line for line in row[1:] if line.startswith(("<", ">", "="))]
    terms = [line for line in row[1:] if line not in sides]
    return [row[0], *(f"   {line}" for line in [*sorted(terms, key=_by_name), *sides])]


def _by_name(term: str) -> str:
    return term.partition(" ")[2] + term
