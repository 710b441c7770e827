"""Digests: one name for one content, whatever file it came from."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any

from twin.model.base import Record


def digest(record: Record) -> str:
    """Return "sha256:…" of a record's canonical form; equal records have equal digests."""
    return "sha256:" + hashlib.sha256(canonical(record)).hexdigest()


def canonical(record: Record) -> bytes:
    """Return the canonical form: JSON of all values by attribute, SI numbers, sorted keys, UTC.

    Defaults are left out: it makes no difference whether a file gave them, and a new optional field leaves the digests of
    what does not use it as they were. The order of rows counts.
    Cost: one pass over the record.
    """
    plain = _plain(record.model_dump(mode="python", by_alias=False, exclude_defaults=True))
    return json.dumps(
        plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical form")
