"""The commands that give this page again, and the digests of what went in."""

from __future__ import annotations

import shlex

from markupsafe import Markup

from reports.page import Page, fill
from twin.records import text
from twin.records.verdict import Verdict


def render(page: Page) -> Markup:
    """Write the commands and the digests."""
    verdict, stored = page.verdict, page.stored or "verdict.json"
    replays = [
        gate.counter_example.command.replace(text.FILE, stored) for gate in page.gates if gate.counter_example
    ]
    return fill(
        _TEMPLATE,
        verdict=verdict,
        commands=[_check(verdict, stored), *(row for row in replays if row)],
        digests=[
            ("plan", verdict.plan_digest),
            ("fleet", verdict.fleet_digest),
            ("gates", verdict.gates_digest),
            ("suite", verdict.suite_digest),
        ],
    )


def _check(verdict: Verdict, stored: str) -> str:
    """Return the command that evaluates again, with the files that the verdict remembers."""
    words = ["fleetwin", "check", verdict.inputs.get("plan", f"{verdict.plan}.yaml")]
    words += [
        "--fleet",
        verdict.inputs.get("fleet", "FLEET"),
        "--gates",
        verdict.inputs.get("gates", verdict.gates),
    ]
    if "suite" in verdict.inputs:
        words += ["--suite", verdict.inputs["suite"]]
    for law in verdict.inputs.get("without", "").split(","):
        words += ["--without", law] if law else []
    for option in ("demand", "max_replications"):
        if option in verdict.inputs:
            words += [f"--{option.replace('_', '-')}", verdict.inputs[option]]
    words += ["--as-of", verdict.as_of.isoformat(), "--out", f"json={stored},html=verdict.html"]
    return shlex.join(words)


_TEMPLATE = """\
<pre>{% for command in commands %}{{ command }}
{% endfor %}</pre>
<div class="wide"><table><tbody>
{% for name, digest in digests %}
<tr><td>{{ name }}</td><td class="mono name">{{ digest }}</td></tr>
{% endfor %}
<tr><td>seed</td><td class="mono">{{ verdict.seed }}</td></tr>
{% if verdict.settles %}
<tr><td>settles</td><td class="mono">{{ "{:,}".format(verdict.settles) }}</td></tr>
{% endif %}
</tbody></table></div>
"""
