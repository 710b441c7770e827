"""The capacity report as JSON: the record itself, canonical, and back; its schema: `fleetwin schema capacity-report`."""

from __future__ import annotations

import json

from pydantic import ValidationError

from twin.model.errors import UsageError
from twin.records.capacity_report import CapacityReport


def render_json(report: CapacityReport) -> str:
    """Return the canonical JSON of a report."""
    data = json.loads(report.model_dump_json())
    return json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def parse_json(content: str | bytes, where: str = "report") -> CapacityReport:
    """Return the report that :func:`render_json` wrote. Raises UsageError when *content* is none."""
    try:
        return CapacityReport.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise UsageError(f"{where} is not a capacity report ({place}: {first['msg']})") from None
