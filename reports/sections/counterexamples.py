"""Why a gate failed or could not decide: timeline, chain and tree of causes, and the device's series."""

from __future__ import annotations

from markupsafe import Markup

from reports.causes_svg import draw_tree
from reports.page import Page, fill
from reports.series_svg import draw_series
from reports.timeline_svg import draw_timeline
from twin.records import text
from twin.records.verdict import GateResult


def render(page: Page) -> Markup:
    """Write one card per gate that did not pass, or nothing."""
    cards, told = [], dict[object, str]()
    for gate in page.gates:
        if gate.result in ("fail", "error", "inconclusive"):
            example = gate.counter_example
            story = example and (
                example.scenario,
                example.variant,
                example.replication,
                example.member,
                example.chain,
            )
            cards.append(_card(page, gate, told.setdefault(story, gate.id) if story else gate.id))
    return Markup("").join(cards)


def _card(page: Page, gate: GateResult, first: str) -> Markup:
    """Write a card; what broke an earlier gate as well, the `first`, is told there."""
    example = gate.counter_example
    shown = example is not None and bool(example.chain) and first == gate.id
    return fill(
        _TEMPLATE,
        gate=gate,
        more=text.more_runs(gate),
        example=example,
        shown=shown,
        first=first,
        start=page.verdict.window[0],
        did=_DID[gate.result],
        timeline=draw_timeline(example, page.plan) if example and shown else "",
        tree=draw_tree(example) if example and shown else "",
        series=[
            (trace, draw_series(trace, example.at_s if example else None))
            for trace in page.traces
            if trace.gate == gate.id
        ],
    )


_DID = {"fail": "failed", "error": "could not be judged", "inconclusive": "did not decide"}
_TEMPLATE = """\
<article class="card {{ gate.result }}" id="why-{{ gate.id }}">
<h3 class="name">{{ gate.id }} {{ did }}</h3>
{% if gate.reason %}<p>{{ gate.reason }}</p>{% endif %}
{% if more %}<p>{{ more[0] | upper }}{{ more[1:] }}.</p>
{% endif %}
{% if example %}
<p class="name">Scenario <strong>{{ example.scenario }}</strong>
{%- if example.member %} ({{ example.member }}){% endif %},
plan {{ text.variant(example.variant) }}, replication {{ example.replication }}:
<strong>{{ example.violation }}</strong> at {{ clock(example.at_s) }}.</p>
{% if timeline %}
<h4>Timeline (+0:00 is {{ start.strftime("%Y-%m-%d %H:%M UTC") }})</h4>
<div class="scroll">{{ timeline }}</div>
{% endif %}
{% if first != gate.id %}
<p>What led to it is the same as for <a href="#why-{{ first }}">{{ first }}</a>.</p>
{% endif %}
{% if shown %}
<h4>What led to what</h4>
<ol class="because">
{% for step in example.chain %}
<li{% if loop.last %} class="last"{% endif %}><time>{{ clock(step.at_s) }}</time>
<span class="name">{{ step.text }}</span></li>
{% endfor %}
</ol>
<details open><summary class="small">As a tree</summary><div class="wide">{{ tree }}</div></details>
{% endif %}
{% for trace, drawn in series %}
<h4>{{ trace.quantity }} of {{ trace.thing }}, with the plan and without</h4>
<div class="scroll">{{ drawn }}</div>
{% endfor %}
{% if example.command %}
<h4>Play it again</h4>
{% if text.FILE in example.command %}
<p class="small">This verdict was not stored. Check again with <code>--out json=verdict.json</code>, then:</p>
{% endif %}
<pre>{{ example.command | replace(text.FILE, "verdict.json") }}</pre>
{% endif %}
{% endif %}
</article>
"""
