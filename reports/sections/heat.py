"""Every gate in every scenario: the worst result over the variants of the plan."""

from __future__ import annotations

from markupsafe import Markup

from reports.page import Page, fill
from twin.records import text
from twin.records.verdict import ORDER, GateResult, ScenarioResult

_SHOWN = 80
_WORDS = {
    "pass": "pass",
    "warn": "warn",
    "fail": "FAIL",
    "inconclusive": "cannot tell",
    "error": "error",
    "waived": "waived",
}


def render(page: Page) -> Markup:
    """Write the table of scenarios by gates, worst scenarios first, or nothing."""
    scenarios = list(dict.fromkeys(row.scenario for gate in page.gates for row in gate.rows))
    if not scenarios:
        return Markup("")
    grid = {name: [_cell(gate, name) for gate in page.gates] for name in scenarios}
    scenarios.sort(key=lambda name: min(cell[0] for cell in grid[name]))
    return fill(
        _TEMPLATE,
        gates=page.gates,
        words=_WORDS,
        scenarios=[(name, grid[name]) for name in scenarios[:_SHOWN]],
        left=max(0, len(scenarios) - _SHOWN),
    )


def _cell(gate: GateResult, scenario: str) -> tuple[int, ScenarioResult | None, str, str]:
    """Return (severity, worst row, what is written below the result, tool tip)."""
    rows = [row for row in gate.rows if row.scenario == scenario]
    if not rows:
        return len(ORDER), None, "", ""
    worst = min(rows, key=lambda row: ORDER.index(row.result))
    broken = sum(row.result == worst.result for row in rows)
    below = "" if worst.result == "pass" or len(rows) == 1 else f"{broken} of {len(rows)} variants"
    return (
        ORDER.index(worst.result),
        worst,
        below,
        f"plan {text.variant(worst.variant)}, n={worst.n}: {text.against(gate, worst)}",
    )


_TEMPLATE = """\
<div class="wide"><table class="heat">
<thead><tr><th></th>{% for gate in gates %}<th>{{ gate.id }}</th>{% endfor %}</tr></thead>
<tbody>
{% for name, cells in scenarios %}
<tr><th>{{ name }}</th>
{% for _, row, below, tip in cells %}
{% if row %}<td class="{{ row.result }}" title="{{ tip }}">{{ words[row.result] }}
{%- if below %}<br><small>{{ below }}</small>{% endif %}</td>
{% else %}<td class="none">not judged</td>{% endif %}
{% endfor %}
</tr>
{% endfor %}
</tbody></table></div>
{% if left %}
<p class="soft">{{ plural(left, "more scenario") }}, none worse than these; the JSON report has them all.</p>
{% endif %}
"""
