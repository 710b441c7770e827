"""The drills that come with fleetwin, one YAML file each in this folder: public incidents as tests of the twin."""

from __future__ import annotations

from pathlib import Path

from twin.model.errors import UsageError, did_you_mean

_FOLDER = Path(__file__).parent


def drill_file(name: str) -> Path:
    """Return the file of the built-in drill of that name."""
    known = drill_names()
    if name not in known:
        mend = did_you_mean(name, known) or f"built in are {', '.join(known)}"
        raise UsageError(f"there is no drill {name!r} ({mend}); a drill of your own is named by its file")
    return _FOLDER / f"{name}.yaml"


def drill_names() -> tuple[str, ...]:
    """Return the names of the built-in drills."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))
