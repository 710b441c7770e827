"""When the steps of a plan are expected to run, if each takes its mean time and none fails."""

from __future__ import annotations

from twin.model.plan import Plan


def schedule(plan: Plan) -> dict[str, tuple[float, float]]:
    """Return the expected (start, end) of each step, in seconds from the start of the window."""
    steps = {step.id: step for step in plan.steps}
    times: dict[str, tuple[float, float]] = {}
    waiting = list(plan.steps)
    while waiting:
        ready = [step for step in waiting if all(name in times or name not in steps for name in step.after)]
        # A circle is the static checks' business; here its steps start at once.
        for step in ready or waiting:
            ends = [times[name][1] for name in step.after if name in times]
            first = step.at_s if step.at_s is not None else max(ends, default=0.0) + step.wait_s
            times[step.id] = (first, first + (step.takes.mean_s if step.takes else 0.0))
        waiting = [step for step in waiting if step.id not in times]
    return times
