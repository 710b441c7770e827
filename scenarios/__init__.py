"""Worlds of fleetwin to try a plan in, and example fleets. `from scenarios import suite, hazards`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.suites import suite, suite_names

__all__ = ["suite", "suite_names"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'scenarios' has no attribute {name!r}")
    from scenarios import suites

    return getattr(suites, name)
