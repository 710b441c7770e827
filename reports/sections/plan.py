"""The plan: its steps with their expected times, its scope, and what its author claims."""

from __future__ import annotations

import json

from markupsafe import Markup

from reports.page import Page, fill
from reports.schedule import schedule
from twin.model.plan import Step
from twin.records import text


def render(page: Page) -> Markup:
    """Write the steps of the plan, or nothing when it is not at hand."""
    if page.plan is None:
        return Markup("")
    times = schedule(page.plan)
    return fill(
        _TEMPLATE,
        plan=page.plan,
        verdict=page.verdict,
        rows=[(step, *times[step.id]) for step in page.plan.steps],
        words=_params,
        takes=_takes,
        variants=[text.variant(name) for name in page.verdict.variants],
    )


def _takes(step: Step) -> str:
    if step.takes is None:
        return "at once"
    spread = f" ± {text.span(step.takes.spread_s)}" if step.takes.spread_s else ""
    return f"{text.span(step.takes.mean_s)}{spread}"


def _params(params: dict[str, object]) -> str:
    return ", ".join(
        f"{key}: {value if isinstance(value, str) else json.dumps(value)}" for key, value in params.items()
    )


_TEMPLATE = """\
{% if plan.description %}<p>{{ plan.description }}</p>{% endif %}
{% if plan.author %}<p class="soft">by {{ plan.author.agent }} {{ plan.author.version }}
{%- if plan.author.on_behalf_of %} on behalf of {{ plan.author.on_behalf_of }}{% endif %}</p>{% endif %}
<div class="wide"><table class="stack">
<thead><tr><th>step</th><th>action</th><th>starts</th><th>takes</th><th>parameters</th></tr></thead>
<tbody>
{% for step, first, last in rows %}
<tr><td><strong>{{ step.id }}</strong></td><td class="mono">{{ step.do }}</td>
<td data-label="starts">{{ offset(first) }}
{%- if step.after %} <span class="soft">after {{ step.after | join(", ") }}</span>{% endif %}</td>
<td data-label="takes">{{ takes(step) }}</td><td class="name">{{ words(step.params) }}</td></tr>
{% endfor %}
</tbody></table></div>
<p class="name"><span class="soft">may touch</span> {{ plan.scope.touch | join(", ") }}</p>
{% for claim in plan.claims %}
<p><span class="soft">claims</span> {{ claim.metric }} {{ claim.limit }}</p>
{% endfor %}
{% if verdict.variants | length > 1 %}
<p class="soft">Played {{ variants | join(", ") }}: a plan passes only if it may stop anywhere.</p>
{% endif %}
"""
