"""What the static checks found in the plan's file."""

from __future__ import annotations

from markupsafe import Markup

from reports.page import Page, fill


def render(page: Page) -> Markup:
    """Write one row per finding, or nothing."""
    return fill(_TEMPLATE, findings=page.verdict.findings) if page.verdict.findings else Markup("")


_TEMPLATE = """\
<div class="wide"><table class="stack">
<thead><tr><th>check</th><th>place</th><th>what is wrong</th><th>how to mend it</th></tr></thead>
<tbody>
{% for row in findings %}
<tr class="fail"><td data-label="check"><span class="tag">{{ row.rule }}</span></td>
<td data-label="place" class="mono name">{{ text.place(row.where, row.line) }}</td>
<td data-label="wrong">{{ row.what }}</td><td data-label="mend">{{ row.mend }}</td></tr>
{% endfor %}
</tbody></table></div>
"""
