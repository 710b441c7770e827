"""Queueing delay of a link: what packets wait for the ones before them, bounded by the buffer."""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats

# A full-size Ethernet frame of 1 500 bytes (assumed: shorter packets wait less until the buffer fills).
PACKET_BITS = 12_000.0
_NEAR = 1e-4


def queueing_delay(utilisation: Floats, capacity_bps: Floats, *, buffer_s: Floats) -> Floats:
    """Mean time that a packet which finds room waits in front of a link `[s]`.

    Parameters
    ----------
    utilisation
        Offered load / capacity `[1]`; above 1 the buffer is nearly full and the rest is dropped.
    capacity_bps
        Capacity `[bit/s]`.
    buffer_s
        How long a full buffer takes to drain `[s]`, so the most that a packet waits.

    Notes
    -----
    M/M/1/K with K = 1 + buffer / packet time: packets arrive independently of each other and their sizes vary as an
    exponential. The mean number in the system is N = ρ/(1 − ρ) − (K + 1)·ρ^(K + 1)/(1 − ρ^(K + 1)), the throughput in
    packet times 1 − P₀ with P₀ = (1 − ρ)/(1 − ρ^(K + 1)), and by Little's law the wait is N/(1 − P₀) − 1 packet times.
    Above ρ = 1 the free places behave as the packets do at 1/ρ, so nothing overflows. Real traffic comes in bursts and
    waits longer: this is the least that queueing costs, next to nothing on a fast link until it is full.

    References
    ----------
    Kleinrock, Queueing Systems I (1975), section 3.6: M/M/1 with finite storage.
    """
    packet_s = PACKET_BITS / capacity_bps
    places = 1.0 + buffer_s / packet_s
    rho = np.maximum(utilisation, 0.0)
    mirrored = np.where(rho > 1.0, 1.0 / np.maximum(rho, 1.0), np.maximum(rho, 1e-300))
    log = np.log(mirrored)
    full, all_but_one = np.expm1((places + 1.0) * log), np.expm1(places * log)
    near = -(places + 1.0) * log < _NEAR
    with np.errstate(divide="ignore", invalid="ignore"):
        number = mirrored / (1.0 - mirrored) + (places + 1.0) * (1.0 + full) / full
        ratio = all_but_one / full
    # Around ρ = 1 all places are equally likely, to first order in ln ρ tilted by their variance.
    number = np.where(near, places / 2.0 + log * places * (places + 2.0) / 12.0, number)
    ratio = np.where(near, places / (places + 1.0) * (1.0 - log / 2.0), ratio)
    busy = np.where(rho > 1.0, ratio, mirrored * ratio)
    number = np.where(rho > 1.0, places - number, number)
    wait = number / busy - 1.0
    return np.clip(np.where(rho > 0.0, wait, 0.0) * packet_s, 0.0, buffer_s)
