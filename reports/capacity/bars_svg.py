"""Bars from left to right, one row per thing, its name above: parts of a budget, shares of a limit, more and less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from reports.capacity.axes import WIDTH, compact, fitted, wide
from reports.svg import Drawing

_ROW, _BAR, _TOP, _EDGE = 36.0, 13.0, 6.0, 4.0


class Part(NamedTuple):
    """A part of a bar: its words, its style, its value."""

    words: str
    style: str
    value: float


class Bar(NamedTuple):
    """A bar in parts; `mark` is a value that a line across it shows, `end` what stands at the right above it."""

    name: str
    parts: tuple[Part, ...]
    end: str = ""
    mark: float | None = None


def draw_parts(title: str, unit: str, bars: Sequence[Bar], *, shared: bool = False) -> Markup:
    """Return bars whose parts add up; each fills the width, or all share one scale (`shared`)."""
    drawing = Drawing(WIDTH, _TOP + len(bars) * _ROW + 4, title)
    totals = [max(sum(part.value for part in bar.parts), bar.mark or 0.0) for bar in bars]
    most = max(totals, default=0.0)
    for index, (bar, total) in enumerate(zip(bars, totals, strict=True)):
        scale = (WIDTH - 2 * _EDGE) / ((most if shared else total) or 1.0)
        top = _TOP + index * _ROW
        _head(drawing, bar, top)
        x = _EDGE
        for part in bar.parts:
            width = max(0.0, part.value) * scale
            drawing.box(
                x,
                top + 16,
                (width, _BAR),
                style=part.style,
                title=f"{bar.name}: {part.words} {part.value:,.1f} {unit}",
                round_=0,
            )
            label = compact(part.value)
            if width > 7.0 * len(label) + 6:
                drawing.words(x + width / 2, top + 26.5, label, style=f"in-{part.style}", anchor="middle")
            x += width
        if bar.mark is not None:
            at = _EDGE + bar.mark * scale
            drawing.line(at, top + 13, at, top + 32, style="mark")
    return drawing.render()


def draw_shares(title: str, bars: Sequence[Bar]) -> Markup:
    """Return two thin bars per row (the first and the second part) against a limit of 100 %."""
    drawing = Drawing(WIDTH, _TOP + len(bars) * _ROW + 18, title)
    most = max(1.15, *(part.value * 1.08 for bar in bars for part in bar.parts))
    scale = (WIDTH - 2 * _EDGE) / most
    for index, bar in enumerate(bars):
        top = _TOP + index * _ROW
        _head(drawing, bar, top)
        for line, part in enumerate(bar.parts):
            drawing.box(
                _EDGE,
                top + 16 + line * 7,
                (part.value * scale, 6),
                style=part.style,
                title=f"{bar.name}: {part.words} {100 * part.value:.0f} %",
                round_=0,
            )
    bottom = _TOP + len(bars) * _ROW
    for index in range(len(bars)):
        top = _TOP + index * _ROW
        drawing.line(_EDGE + scale, top + 15.5, _EDGE + scale, top + 32, style="limit")
    drawing.line(_EDGE, _TOP + 14, _EDGE, bottom, style="axis")
    drawing.words(_EDGE, bottom + 12, "0 %", style="label-soft")
    drawing.words(_EDGE + scale, bottom + 12, "limit 100 %", style="label-limit", anchor="end")
    return drawing.render()


def draw_change(title: str, unit: str, rows: Sequence[tuple[str, float]]) -> Markup:
    """Return bars to the left (fewer) and to the right (more) of a common zero."""
    drawing = Drawing(WIDTH, _TOP + len(rows) * 30 + 18, title)
    most = max((abs(value) for _, value in rows), default=0.0) or 1.0
    middle, scale = WIDTH / 2, (WIDTH / 2 - 52) / most
    for index, (name, value) in enumerate(rows):
        top = _TOP + index * 30
        drawing.words(_EDGE, top + 10, fitted(name, WIDTH - 8), style="label")
        left = middle if value >= 0 else middle + value * scale
        style = "part-more" if value >= 0 else "part-less"
        words = f"{'+' if value > 0 else '−' if value < 0 else ''}{compact(abs(value))}"
        drawing.box(
            left, top + 14, (abs(value) * scale, 10), style=style, title=f"{name}: {words} {unit}", round_=0
        )
        side = 1 if value >= 0 else -1
        at = middle + value * scale + 5 * side
        drawing.words(at, top + 23, words, style="label-soft", anchor="start" if side > 0 else "end")
    bottom = _TOP + len(rows) * 30
    for index in range(len(rows)):
        drawing.line(middle, _TOP + index * 30 + 13, middle, _TOP + index * 30 + 27, style="axis")
    drawing.words(middle, bottom + 12, f"0 {unit}", style="label-soft", anchor="middle")
    return drawing.render()


def _head(drawing: Drawing, bar: Bar, top: float) -> None:
    end = fitted(bar.end, WIDTH * 0.6)
    drawing.words(_EDGE, top + 11, fitted(bar.name, WIDTH - 4 * _EDGE - wide(end)), style="label")
    drawing.words(WIDTH - _EDGE, top + 11, end, style="label-soft", anchor="end")
