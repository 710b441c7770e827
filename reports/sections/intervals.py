"""How far the evidence reaches: the interval of each gate in each scenario, against its limits."""

from __future__ import annotations

from markupsafe import Markup

from reports.intervals_svg import draw_intervals
from reports.page import Page, fill
from twin.records.verdict import GateResult


def render(page: Page) -> Markup:
    """Write one drawing per gate that has intervals, or nothing."""
    drawn = [(gate, drawing) for gate in page.gates if (drawing := draw_intervals(gate))]
    return fill(_TEMPLATE, drawn=drawn, methods=_methods) if drawn else Markup("")


def _methods(gate: GateResult) -> str:
    return "; ".join(dict.fromkeys(row.method for row in gate.rows if row.method and row.low is not None))


_TEMPLATE = """\
<p class="soft">A bar is the interval in which the true value lies. Inside the green zone the gate passes,
inside the red one it fails; a bar across a border does not decide.</p>
{% for gate, drawing in drawn %}
<h3 class="name">{{ gate.id }} <span class="soft">{{ text.rule(gate) }}</span></h3>
<div class="scroll">{{ drawing }}</div>
{% if methods(gate) %}<p class="small">{{ methods(gate) }}
{%- if gate.worst and gate.worst.smallest_effect is not none %};
the smallest effect that could have been seen is
{{ text.bound(gate.worst.smallest_effect, gate, gate.worst) }}{% endif %}</p>{% endif %}
{% endfor %}
"""
