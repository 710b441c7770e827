"""The verdict in words, and the facts around it."""

from __future__ import annotations

from markupsafe import Markup

from reports.page import Page, fill
from twin.records import text
from twin.records.verdict import Verdict


def render(page: Page) -> Markup:
    """Write the banner."""
    return fill(_TEMPLATE, verdict=page.verdict, sentences=_sentences(page), end=_end(page.verdict))


def _sentences(page: Page) -> list[str]:
    """Say in plain words what decided."""
    verdict = page.verdict
    said = [_because(verdict)]
    if page.gates and (more := text.more_runs(page.gates[0])):
        said.append(f"{more[0].upper()}{more[1:]}.")
    if verdict.footprint is not None and not verdict.footprint.faults and verdict.runs:
        said.append("No fault touched what the plan touches: it is untested, not safe.")
    return [sentence for sentence in said if sentence]


def _end(verdict: Verdict) -> str:
    first, last = verdict.window
    return f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"


def _because(verdict: Verdict) -> str:
    if verdict.findings:
        return f"{text.count(len(verdict.findings), 'finding')}; nothing was simulated."
    gates = text.by_severity(verdict.gate_results)
    if not gates:
        return ""
    worst = gates[0]
    if worst.counter_example is not None and worst.result == "fail":
        example = worst.counter_example
        place = f"in scenario {example.scenario}, plan {text.variant(example.variant)}"
        return f"{worst.id}: {example.violation}, {place}."
    if worst.result == "pass":
        worlds = text.count(len(verdict.scenarios), "scenario")
        return f"All {text.count(len(gates), 'gate')} passed in {worlds}."
    return f"{worst.id}: {worst.reason or text.evidence(worst)}."


_TEMPLATE = """\
<h1>{{ text.headline(verdict) }}</h1>
{% for sentence in sentences %}
<p class="name">{{ sentence }}</p>
{% endfor %}
<dl class="facts">
<div><dt>plan</dt><dd>{{ verdict.plan }}</dd></div>
<div><dt>fleet</dt><dd>{{ verdict.fleet }}</dd></div>
<div><dt>window (UTC)</dt><dd>{{ verdict.window[0].strftime("%Y-%m-%d %H:%M") }} to
  {{ end }}</dd></div>
<div><dt>gates</dt><dd>{{ verdict.gates }}</dd></div>
<div><dt>suite</dt><dd>{{ verdict.suite }}</dd></div>
{% if verdict.inputs.get("demand") %}<div><dt>demand</dt><dd>{{ verdict.inputs["demand"] }}</dd></div>{% endif %}
<div><dt>purpose</dt><dd>{{ verdict.purpose }}</dd></div>
{% if verdict.inputs.get("growth") %}<div><dt>growth</dt><dd>{{ verdict.inputs["growth"] }} a year</dd></div>{% endif %}
{% if verdict.runs %}<div><dt>runs</dt><dd>{{ "{:,}".format(verdict.runs) }}</dd></div>{% endif %}
<div><dt>exit code</dt><dd>{{ verdict.exit_code }}</dd></div>
</dl>
"""
