"""One quantity over time, with the plan and without, beside its limit."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from twin.records.run import Trace


def plot_arms(plan: Trace, reference: Trace, *, title: str = "") -> Figure:
    """Return a figure of both arms; a notebook shows it, `savefig` writes it."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    arms = ((reference, "do nothing", "0.55", 1.5), (plan, "the plan", "tab:blue", 2.0))
    for trace, label, colour, width in arms:
        axes.step(
            np.asarray(trace.times_s) / 60.0, trace.values, where="post", label=label, c=colour, lw=width
        )
    if plan.limit is not None:
        axes.axhline(plan.limit, color="tab:red", ls="--", lw=1.2, label="limit")
    axes.set(title=title, xlabel="minutes into the window", ylabel=f"{plan.quantity} of {plan.thing}")
    axes.legend(loc="best", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
