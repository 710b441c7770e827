"""fleetwin, a digital twin of a datacenter fleet: the names of a what-if script, imported on first use."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.evaluate import check, simulate
    from twin.files.documents import read_gates, read_plan, read_suite
    from twin.files.fleet import read_fleet
    from twin.model.errors import FleetwinError
    from twin.model.fleet import Fleet
    from twin.model.gateset import GateSet
    from twin.model.plan import Plan

    __version__: str

_HOMES = {
    "Fleet": "twin.model.fleet",
    "FleetwinError": "twin.model.errors",
    "GateSet": "twin.model.gateset",
    "Plan": "twin.model.plan",
    "check": "twin.evaluate",
    "read_fleet": "twin.files.fleet",
    "read_gates": "twin.files.documents",
    "read_plan": "twin.files.documents",
    "read_suite": "twin.files.documents",
    "simulate": "twin.evaluate",
}

__all__ = [
    "Fleet",
    "FleetwinError",
    "GateSet",
    "Plan",
    "__version__",
    "check",
    "read_fleet",
    "read_gates",
    "read_plan",
    "read_suite",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module 'twin' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("fleetwin")
    except PackageNotFoundError:
        return "0+not.installed"
