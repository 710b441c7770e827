"""Reaching code by name, so that a command may join packages which must not import each other."""

import importlib
from typing import Any


def load(target: str) -> Any:
    """Return what ``module:name`` names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
