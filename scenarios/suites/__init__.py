"""The suites that come with fleetwin, one YAML file each in this folder."""

from __future__ import annotations

from pathlib import Path

from twin.files.documents import read_suite
from twin.model.errors import UsageError, did_you_mean
from twin.model.scenario import Suite

_FOLDER = Path(__file__).parent


def suite(name: str) -> Suite:
    """Return the built-in suite of that name."""
    known = suite_names()
    if name not in known:
        mend = did_you_mean(name, known) or f"built in are {', '.join(known)}"
        raise UsageError(f"there is no suite {name!r} ({mend}); a suite of your own is named by its file")
    return read_suite(_FOLDER / f"{name}.yaml")


def suite_names() -> tuple[str, ...]:
    """Return the names of the built-in suites."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))
