"""What the worlds did to what the plan touches, how often each ran, and what could not be measured."""

from __future__ import annotations

from markupsafe import Markup

from reports.page import Page, fill


def render(page: Page) -> Markup:
    """Write the footprint, or nothing when nothing was simulated."""
    verdict = page.verdict
    if verdict.footprint is None and not verdict.missing and not verdict.replications:
        return Markup("")
    return fill(_TEMPLATE, verdict=verdict, seen=verdict.footprint)


_TEMPLATE = """\
{% if seen %}
{% if seen.faults %}
<p>The plan touches {{ plural(seen.touched | length, "thing") }};
{{ plural(seen.faults, "fault") }} hit them in the worlds played.</p>
{% else %}
<p class="inconclusive"><span class="tag">untested</span>
No fault hit what the plan touches. That is not a sign of safety.</p>
{% endif %}
{% if seen.untested %}
<p class="name inconclusive"><span class="tag">untested</span> {{ seen.untested[:40] | join(", ") }}
{%- if seen.untested | length > 40 %} and {{ seen.untested | length - 40 }} more{% endif %}</p>
{% endif %}
<details><summary>What the plan touches</summary><p class="name">{{ seen.touched[:400] | join(", ") }}
{%- if seen.touched | length > 400 %} and {{ seen.touched | length - 400 }} more{% endif %}</p></details>
{% endif %}
{% if verdict.missing %}
<h3>Not measured</h3>
<ul class="plain">{% for row in verdict.missing %}<li>{{ row }}</li>{% endfor %}</ul>
{% endif %}
{% if verdict.replications %}
<h3>Replications</h3>
<div class="wide"><table class="slim">
<thead><tr><th>scenario</th><th class="number">replications</th></tr></thead>
<tbody>
{% for name, number in verdict.replications.items() %}
<tr><td class="name">{{ name }}</td><td class="number">{{ "{:,}".format(number) }}</td></tr>
{% endfor %}
</tbody></table></div>
{% if verdict.more_runs %}
<p>About <strong>{{ plural(verdict.more_runs, "more replication") }}</strong> would decide.</p>
{% endif %}
{% endif %}
"""
