"""The solution beside a plan: `plan.yaml` has `plan.solution.json`."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from twin.files.atomic import write_atomic
from twin.model.errors import UsageError
from twin.records.solution import Solution


def beside(plan: str | Path) -> Path:
    """Return where the solution of a plan stands."""
    path = Path(plan)
    return path.with_name(f"{path.stem}.solution.json")


def write_solution(solution: Solution, plan: str | Path) -> Path:
    """Write a solution beside its plan and return its path."""
    path = beside(plan)
    text = json.dumps(solution.model_dump(mode="json"), ensure_ascii=False, indent=1, sort_keys=False)
    write_atomic(path, text + "\n")
    return path


def read_solution(path: str | Path) -> Solution:
    """Read a solution; raise UsageError where there is none, or something else."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path}: {error.strerror or error}; `fleetwin plan` writes it beside its plan"
        ) from None
    try:
        return Solution.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise UsageError(
            f"{path}: not a solution ({place}: {first['msg']}); write it again with `fleetwin plan`"
        ) from None
