"""A content-addressed store of compiled objects that processes memory-map instead of copying.

An object is written once, under the SHA-256 of its bytes: a small pickle and, page by page behind it, the buffers of
its arrays. Reading maps the file, so that ten processes hold one copy of a large fleet.
"""

from __future__ import annotations

import hashlib
import mmap
import pickle
import struct
from pathlib import Path
from typing import Any

from twin.files.atomic import write_atomic

_HEAD = struct.Struct("<QQ")
_ALIGN = 64


def put(folder: Path, thing: Any) -> str:
    """Store `thing` in `folder` and return its key; equal bytes are stored once."""
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(thing, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    parts = [_HEAD.pack(len(body), len(views)), *(struct.pack("<Q", len(view)) for view in views), body]
    size = sum(len(part) for part in parts)
    for view in views:
        pad = -size % _ALIGN
        parts += [b"\0" * pad, bytes(view)]
        size += pad + len(view)
    data = b"".join(parts)
    key = hashlib.sha256(data).hexdigest()
    if not (folder / key).exists():
        write_atomic(folder / key, data)
    return key


def get(folder: Path, key: str) -> Any:
    """Return the object stored under `key`; its arrays are read-only views of the mapped file.

    Raises FileNotFoundError when there is none. Only read folders that you wrote: the body is a pickle.
    """
    with (folder / key).open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    body_size, count = _HEAD.unpack_from(view)
    sizes = struct.unpack_from(f"<{count}Q", view, _HEAD.size)
    position = _HEAD.size + 8 * count
    body = view[position : position + body_size]
    position += body_size
    buffers = []
    for size in sizes:
        position += -position % _ALIGN
        buffers.append(view[position : position + size])
        position += size
    return pickle.loads(body, buffers=buffers)
