"""Instances of the expansion problem, made by rule from a seed: sites that are nearly full, and demand that grows."""

from __future__ import annotations

import numpy as np

from solvers.expansion_problem import ExpansionPrices, ExpansionProblem

# RRU, nameplate W, U, USD, servers in a rack, sold today, what it is for, share of the fleet today
TYPES = (
    ("compute-1", 1.0, 350.0, 1, 8_000.0, 20, False, "compute", 0.34),
    ("compute-2", 1.6, 420.0, 1, 9_000.0, 20, False, "compute", 0.27),
    ("compute-3", 2.4, 500.0, 1, 12_000.0, 20, True, "compute", 0.10),
    ("compute-4", 3.2, 620.0, 2, 15_000.0, 16, True, "compute", 0.0),
    ("storage-1", 1.0, 300.0, 2, 9_000.0, 10, False, "storage", 0.19),
    ("storage-2", 2.0, 450.0, 2, 14_000.0, 10, True, "storage", 0.06),
    ("gpu-1", 8.0, 3_000.0, 4, 150_000.0, 4, False, "gpu", 0.035),
    ("gpu-2", 20.0, 6_500.0, 6, 250_000.0, 2, True, "gpu", 0.005),
)
PURPOSES = ("compute", "storage", "gpu")


def expansion(
    seed: int = 0,
    *,
    months: int = 24,
    sites: int = 20,
    types: int = 8,
    services: int = 50,
    servers: int = 60_000,
) -> ExpansionProblem:
    """Return an instance: sites with 3 to 12 % of spare power, services that grow by 10 to 80 % a year.

    A service runs at four to eight sites of its region and of one other, on the types of its purpose, some of which suit it
    better. The fleet of today carries 90 % of what it could; a sixth of its servers reaches the end of its life every year.
    """
    rng = np.random.default_rng([seed, months, sites, types, services])
    kinds = _kinds(types)
    names = tuple(kind[0] for kind in kinds)
    cell_site, cell_type = (part.ravel() for part in np.indices((sites, types)))
    share = np.array([kind[8] for kind in kinds])
    size = rng.lognormal(0.0, 0.6, sites)
    mix = share * rng.lognormal(0.0, 0.4, (sites, types))
    weight = (size / size.sum())[:, None] * mix / mix.sum(axis=1, keepdims=True)
    now = np.round(servers * weight.ravel()).astype(np.int64)
    watts = np.array([kind[2] for kind in kinds])
    height = np.array([float(kind[3]) for kind in kinds])
    pair_cell, pair_service, value = _pairs(rng, kinds, sites, services)
    demand = _demand(rng, kinds, (now, cell_type), (pair_cell, pair_service, value), (months, services))
    drawn = np.bincount(cell_site, weights=now * watts[cell_type], minlength=sites)
    held = np.bincount(cell_site, weights=now * height[cell_type], minlength=sites)
    life = 72.0
    aged = np.floor(now * np.arange(1, months + 1)[:, None] / life).astype(np.int64)
    running = 0.65 * watts[cell_type] * rng.uniform(1.08, 1.35, sites)[cell_site] / 1e6 * 730.5
    running = running * rng.uniform(35.0, 130.0, sites)[cell_site]
    return ExpansionProblem(
        site_names=tuple(f"site-{s + 1:02d}" for s in range(sites)),
        type_names=names,
        service_names=tuple(f"service-{v + 1:02d}" for v in range(services)),
        scenario_names=("base",),
        cell_site=cell_site,
        cell_type=cell_type,
        now=now,
        aged=aged,
        early=np.ones(len(now), dtype=bool),
        buyable=np.array([kind[6] for kind in kinds])[cell_type],
        pair_cell=pair_cell,
        pair_service=pair_service,
        value=value,
        watts=watts,
        height_u=height,
        batch=np.array([kind[5] for kind in kinds]),
        lead=np.full(types, 3),
        power_w=drawn * rng.uniform(1.03, 1.12, sites),
        space_u=held * rng.uniform(1.05, 1.4, sites),
        module_w=1e6,
        module_u=2_500.0,
        module_lead=6,
        module_most=np.full(sites, 4),
        demand=demand[None],
        probability=np.ones(1),
        prices=ExpansionPrices(
            server=np.array([kind[4] for kind in kinds]),
            module=rng.uniform(10e6, 14e6, sites),
            running=running,
            short=_short(kinds, services),
            budget=np.full(-(-months // 12), np.inf),
        ),
    )


def _kinds(types: int) -> tuple[tuple[str, float, float, int, float, int, bool, str, float], ...]:
    order = (0, 2, 4, 5, 1, 3, 6, 7)[:types]
    return tuple(TYPES[i] for i in sorted(order))


def _pairs(
    rng: np.random.Generator, kinds: tuple, sites: int, services: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which service may run on which cell, and what a server is worth to it."""
    there = sorted({kind[7] for kind in kinds}, key=PURPOSES.index)
    odds = np.array({1: [1.0], 2: [0.7, 0.3], 3: [0.6, 0.25, 0.15]}[len(there)])
    purpose = rng.choice(len(there), services, p=odds)
    purpose[: len(there)] = np.arange(len(there))
    region = np.arange(sites) % 4
    cells, owners, values = [], [], []
    for v in range(services):
        homes = rng.choice(4, 2, replace=False)
        near = np.flatnonzero(np.isin(region, homes))
        chosen = rng.permutation(near)[: rng.integers(4, 9)] if len(near) > 4 else np.arange(sites)
        for k, kind in enumerate(kinds):
            if kind[7] == there[purpose[v]]:
                suits = rng.uniform(0.8, 1.2)
                cells += [int(s) * len(kinds) + k for s in chosen]
                owners += [v] * len(chosen)
                values += [round(kind[1] * suits, 3)] * len(chosen)
    order = np.lexsort((owners, cells))
    return np.array(cells)[order], np.array(owners)[order], np.array(values)[order]


def _demand(
    rng: np.random.Generator,
    kinds: tuple,
    cells: tuple[np.ndarray, np.ndarray],
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray],
    shape: tuple[int, int],
) -> np.ndarray:
    """Share the servers of each cell among its services at random; 90 % of what they give is today's demand, and it grows."""
    now, _ = cells
    pair_cell, pair_service, value = pairs
    months, services = shape
    want = rng.lognormal(0.0, 1.0, services)[pair_service]
    total = np.bincount(pair_cell, weights=want, minlength=len(now))
    part = now[pair_cell] * want / total[pair_cell]
    today = 0.9 * np.bincount(pair_service, weights=part * value, minlength=services)
    growth = rng.uniform(0.1, 0.8, services)
    phase, swing = rng.uniform(0, 12, services), rng.uniform(0.0, 0.06, services)
    month = np.arange(months)[:, None]
    return today * (1 + growth) ** (month / 12) * (1 + swing * np.sin(2 * np.pi * (month - phase) / 12))


def _short(kinds: tuple, services: int) -> np.ndarray:
    """Return the price of a missing RRU for a month: twice what buying and powering one costs, for the dearest type sold."""
    dear = max((kind[4] + 14.0 * kind[2]) / kind[1] for kind in kinds if kind[6])
    return np.full(services, 2.0 * dear)
