"""One row per gate, worst first."""

from __future__ import annotations

from markupsafe import Markup

from reports.page import Page, fill
from twin.records.metrics import BY_NAME


def render(page: Page) -> Markup:
    """Write the table of gates, or nothing when nothing was judged."""
    meanings = {gate.metric: BY_NAME[gate.metric].text for gate in page.gates if gate.metric in BY_NAME}
    return fill(_TEMPLATE, gates=page.gates, meanings=meanings) if page.gates else Markup("")


_TEMPLATE = """\
<div class="wide"><table class="stack">
<thead><tr><th>result</th><th>gate</th><th>metric and limit</th>
<th class="number">plan</th><th class="number">reference</th>
<th>change or interval</th><th>worst in</th></tr></thead>
<tbody>
{% for gate in gates %}
<tr class="{{ gate.result }}"><td><span class="tag">{{ gate.result }}</span></td>
<td class="name"><strong>{{ gate.id }}</strong>
{%- if gate.level != "block" %} <span class="soft">advice</span>{% endif %}</td>
<td class="name"><span title="{{ meanings.get(gate.metric, '') }}">{{ gate.metric }}</span>
{%- for key, value in gate.where.items() %} {{ key }}={{ value }}{% endfor %}<br>
<span class="soft">{{ text.limits(gate) }}</span></td>
{% if gate.worst %}
<td class="number" data-label="plan">{{ text.with_plan(gate, gate.worst) }}</td>
<td class="number" data-label="reference">
{%- if gate.worst.reference is not none %}{{ text.without_plan(gate, gate.worst) }}{% endif %}</td>
<td data-label="change or interval">
{%- if text.is_difference(gate.worst) %}
<span title="{{ gate.worst.judged }}">{{ text.estimate(gate, gate.worst) }}</span>
<span class="soft limit">{{ text.limit(gate, gate.worst) }}</span>
{%- elif text.interval(gate, gate.worst) %}
<span class="whole">{{ text.interval(gate, gate.worst) }}</span>
{%- else %}exact{% endif %}</td>
<td class="name" data-label="worst in">{{ text.where(gate.worst) }}</td>
{% else %}
<td colspan="4" class="soft">{{ gate.reason or "not measured" }}</td>
{% endif %}
</tr>
{% endfor %}
</tbody></table></div>
{% for gate in gates if gate.waiver %}
<p class="waived"><span class="tag">waived</span> {{ gate.id }}: {{ gate.waiver }}</p>
{% endfor %}
"""
