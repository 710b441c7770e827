"""Server types for machines of which only processors and GPUs are known: the rest by rule.

Power of a server = (chassis + processors + memory + GPUs) x conversion. All of it is *assumed*.

References ---------- GPUs of openb: the table in the code of F. Lettich et al., "Power- and
Fragmentation-aware Online Scheduling for GPU Datacenters", CCGrid 2025 (its G2 and G3 are placeholders, as
these models are anonymised). A100 idle: Acme cluster data. A100 and A800 400 W, H100 and H800 700 W: data
sheets. Processors: 2-socket SPECpower_ssj2008 results of 2018, 54 W idle and 360 W at full load with 112
threads. Memory: 23.7 W per 64 GB (GreenSKU components). Conversion: power supply 95 %, voltage regulators x
1.05 (GreenSKU parameters). Repair: mean of the LANL outages, 314 min.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.model.servers import ServerType

# kind -> (idle, full) W of one GPU
GPU_W: dict[str, tuple[float, float]] = {
    "T4": (10.0, 70.0),
    "A10": (30.0, 150.0),
    "P100": (25.0, 250.0),
    "V100M16": (30.0, 300.0),
    "V100M32": (30.0, 300.0),
    "A100": (62.0, 400.0),
    "A800": (62.0, 400.0),
    "H100": (70.0, 700.0),
    "H800": (70.0, 700.0),
}
UNKNOWN_GPU_W = (25.0, 250.0)
CHASSIS_W = (25.0, 50.0)
THREAD_W = (0.3, 3.0)
MEMORY_W_PER_GIB = (0.15, 0.37)
CONVERSION = 1.05 / 0.95
GIB = 1024.0**3


@dataclass(frozen=True)
class Machine:
    """What an inventory says of a node: hardware threads, memory, GPUs."""

    threads: int
    memory_bytes: float
    gpus: int
    gpu_kind: str


def gpu_power_w(kind: str) -> tuple[float, float]:
    """Return (idle, full) power of one GPU; a model that is not known gets the placeholder."""
    return next((GPU_W[name] for name in (kind, kind.split("-")[0]) if name in GPU_W), UNKNOWN_GPU_W)


def server_type(name: str, machine: Machine, *, rru: float) -> ServerType:
    """Return a server type for a machine.

    Parameters
    ----------
    name
        Name of the type.
    machine
        Threads, memory [B], GPUs and their kind.
    rru
        What one server offers in relative resource units (GPUs, or threads for servers without).
    """
    gpu = gpu_power_w(machine.gpu_kind) if machine.gpus else (0.0, 0.0)
    idle_w, max_w = (
        CONVERSION
        * (
            CHASSIS_W[end]
            + THREAD_W[end] * machine.threads
            + gpu[end] * machine.gpus
            + MEMORY_W_PER_GIB[end] * machine.memory_bytes / GIB
        )
        for end in (0, 1)
    )
    return ServerType(
        name=name,
        cores=machine.threads,
        memory_bytes=machine.memory_bytes,
        gpus=machine.gpus,
        gpu_kind=machine.gpu_kind,
        rru=rru,
        idle_w=float(round(idle_w)),
        max_w=float(round(max_w)),
        off_w=20.0 if machine.gpus else 10.0,
        peak_factor=1.1 if machine.gpus else 1.05,
        peak_correlation=0.3,
        height_u=height_u(machine.gpus),
        embodied_kg=float(round(493 + 1.65 * machine.memory_bytes / 1e9 + 150 * machine.gpus)),
        mtbf_s=2 * 31557600.0,
        mttr_s=314 * 60.0,
    )


def height_u(gpus: int) -> int:
    """Return the height of a server: 1 U without GPUs, 2 U up to two of them, 4 U up to four, else 6 U."""
    return 1 if gpus == 0 else 2 if gpus <= 2 else 4 if gpus <= 4 else 6
