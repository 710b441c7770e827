"""A verdict as JSON: canonical (sorted keys, one layout), so that equal verdicts are equal bytes."""

from __future__ import annotations

import json

from pydantic import ValidationError

from twin.model.errors import Problem, UsageError
from twin.records.verdict import Verdict


def render_json(verdict: Verdict) -> str:
    """Return the canonical JSON of a verdict; NaN and infinities are strings, as JSON has none."""
    data = json.loads(verdict.model_dump_json())
    return json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def parse_json(content: str | bytes, where: str = "verdict") -> Verdict:
    """Return the verdict that :func:`render_json` wrote.

    Raises
    ------
    UsageError
        When *content* is no verdict; it names each place that is wrong.
    """
    try:
        return Verdict.model_validate_json(content)
    except ValidationError as error:
        problems = [
            Problem(".".join(str(part) for part in row["loc"]) or where, row["msg"]) for row in error.errors()
        ]
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise UsageError(
            f"{where} is not a verdict (fleetwin check --out json=FILE writes one):\n{listed}"
        ) from None
