"""The placement rule: on which node a pod would have run, as the trace does not say.

Pods without GPUs go to nodes without GPUs. Pods with GPUs go, among the models that their `gpu_spec` allows
and that have a node with room, to the model of which the smallest share is taken, and there to the node
that has the least free GPU, then the least free CPU and memory (best fit). A share of one GPU never spans
two of them. Ties go to the model and node that come first by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WHOLE_GPU_MILLI = 1000
_Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """What a node offers, in whole millicores, MiB and GPUs; `model` is the GPU model or empty."""

    name: str
    cpu_milli: int
    memory_mib: int
    gpus: int
    model: str


@dataclass(frozen=True)
class Pod:
    """What a pod asks for; `models` are those it may use (empty: any)."""

    name: str
    cpu_milli: int
    memory_mib: int
    gpus: int
    gpu_milli: int
    models: frozenset[str]
    qos: str

    @property
    def total_gpu_milli(self) -> int:
        """GPU request in thousandths of a GPU: a share of one, or whole ones."""
        return self.gpus * (self.gpu_milli if self.gpus == 1 else WHOLE_GPU_MILLI)


class Cluster:
    """Nodes with what is still free on them. Sizes are integers, so that sums are exact."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self.shapes = tuple(sorted(shapes, key=lambda shape: (shape.model, shape.name)))
        self.cpu_free: _Ints = np.array([shape.cpu_milli for shape in self.shapes], dtype=np.int64)
        self.memory_free: _Ints = np.array([shape.memory_mib for shape in self.shapes], dtype=np.int64)
        most = max((shape.gpus for shape in self.shapes), default=0)
        self.gpu_free: _Ints = np.array(
            [[WHOLE_GPU_MILLI * (gpu < shape.gpus) for gpu in range(most)] for shape in self.shapes],
            dtype=np.int64,
        )
        models = sorted({shape.model for shape in self.shapes})
        self._rows = {
            model: np.array(
                [i for i, shape in enumerate(self.shapes) if shape.model == model], dtype=np.int64
            )
            for model in models
        }
        self._gpu_milli = {model: int(self.gpu_free[rows].sum()) for model, rows in self._rows.items()}
        self._taken = dict.fromkeys(models, 0)

    @property
    def gpu_share(self) -> float:
        """Share of all GPUs that is taken."""
        total = sum(self._gpu_milli.values())
        return sum(self._taken.values()) / total if total else 1.0

    def place(self, pod: Pod) -> int | None:
        """Place a pod; return the index of its node in `shapes`, or None when it fits nowhere."""
        if not pod.gpus:
            return self._place_in("", pod)
        models = [
            model
            for model, total in self._gpu_milli.items()
            if total and (not pod.models or model in pod.models)
        ]
        for model in sorted(models, key=lambda model: (self._taken[model] / self._gpu_milli[model], model)):
            node = self._place_in(model, pod)
            if node is not None:
                return node
        return None

    def place_all(self, pods: Iterable[Pod], *, until_share: float = np.inf) -> dict[str, int | None]:
        """Place pods in order until a share of the GPUs is taken; return the node of each one tried."""
        nodes: dict[str, int | None] = {}
        for pod in pods:
            if self.gpu_share >= until_share:
                break
            nodes[pod.name] = self.place(pod)
        return nodes

    def _place_in(self, model: str, pod: Pod) -> int | None:
        rows = self._rows.get(model)
        if rows is None:
            return None
        fits = (self.cpu_free[rows] >= pod.cpu_milli) & (self.memory_free[rows] >= pod.memory_mib)
        if pod.gpus:
            share = pod.gpu_milli if pod.gpus == 1 else WHOLE_GPU_MILLI
            fits &= (self.gpu_free[rows] >= share).sum(axis=1) >= pod.gpus
        rows = rows[fits]
        if not rows.size:
            return None
        order = np.lexsort(
            (rows, self.memory_free[rows], self.cpu_free[rows], self.gpu_free[rows].sum(axis=1))
        )
        node = int(rows[order[0]])
        self._take(node, pod)
        return node

    def _take(self, node: int, pod: Pod) -> None:
        self.cpu_free[node] -= pod.cpu_milli
        self.memory_free[node] -= pod.memory_mib
        share = pod.gpu_milli if pod.gpus == 1 else WHOLE_GPU_MILLI
        free = self.gpu_free[node]
        for _ in range(pod.gpus):
            gpu = int(np.argmin(np.where(free >= share, free, np.iinfo(np.int64).max)))
            free[gpu] -= share
        self._taken[self.shapes[node].model] += pod.total_gpu_milli
