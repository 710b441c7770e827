"""What the verdict rests on: assumed inputs, physics left out, the age and the fidelity of the twin."""

from __future__ import annotations

from markupsafe import Markup

from reports.page import Page, fill
from twin.records import text


def render(page: Page) -> Markup:
    """Write the assumptions."""
    return fill(_TEMPLATE, verdict=page.verdict, played=text.played(page.verdict))


_TEMPLATE = """\
{% if played %}
<h3>What was played of a long plan</h3>
<ul class="plain">{% for row in played %}<li>{{ row }}</li>{% endfor %}</ul>
{% endif %}
{% if verdict.assumed %}
<h3>Values that nobody measured or declared</h3>
<div class="wide"><table class="stack">
<thead><tr><th>assumed</th><th class="number">values</th><th>matters to</th></tr></thead>
<tbody>
{% for row in verdict.assumed %}
<tr><td class="mono name">{{ row.what }}</td>
<td class="number" data-label="values">{{ "{:,}".format(row.count) }}</td>
<td data-label="matters to">{{ row.metrics | join(", ") }}</td></tr>
{% endfor %}
</tbody></table></div>
{% else %}
<p>Every value that a gated metric rests on was measured or declared.</p>
{% endif %}
{% if verdict.not_modelled %}
<h3>Not modelled</h3>
<ul class="plain">{% for row in verdict.not_modelled %}<li>{{ row }}</li>{% endfor %}</ul>
{% endif %}
<h3>How true the twin is</h3>
<p>Fidelity: {{ verdict.fidelity }}.
{% if verdict.snapshot_age_s is not none %}
The snapshot of the fleet was {{ text.span(verdict.snapshot_age_s) }} old.
{% else %}The age of the snapshot is unknown.{% endif %}</p>
"""
