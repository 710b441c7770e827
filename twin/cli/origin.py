"""Do our top-level packages really come from fleetwin? Others use names such as ``agents``, too.

Another distribution may come first on the path, or may have written its files over ours in one environment.
"""

import importlib.util
import os

_PACKAGES = ("scenarios", "solvers", "agents", "reports")


def strangers() -> list[str]:
    """Return one warning for each top-level package that is missing or not fleetwin's own."""
    # This file is HOME/twin/cli/origin.py.
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    return [warning for package in _PACKAGES if (warning := _stranger(package, home))]


def _stranger(package: str, home: str) -> str:
    spec = importlib.util.find_spec(package)
    own = os.path.join(home, package, "__init__.py")
    if spec is None or spec.origin is None:
        return f"the package '{package}' is missing from {home}: install fleetwin again"
    if os.path.realpath(spec.origin) == own and _is_signed(own):
        return ""
    return (
        f"the package '{package}' is not fleetwin's own but another distribution's: {spec.origin}\n"
        "  install fleetwin into an environment of its own, for example with pipx"
    )


def _is_signed(path: str) -> bool:
    """Whether the file names fleetwin, as the docstring of each of our packages does."""
    with open(path, encoding="utf-8") as file:
        return "fleetwin" in file.read()
