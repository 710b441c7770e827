"""Temperature of a cooling zone: a fast node (air, coolant) coupled to a slow one (racks, walls).

    C_f dT_f/dt = P + h (T_m - T_f)        C_m dT_m/dt = h (T_f - T_m)

P is the heat of the servers less the cooling that takes it away [W], constant between events. Energy is then a straight
line in time and the difference of the nodes a single exponential, so the fluid follows

    T_f(t) = a + b t + c exp(-r t),   r = h (1/C_f + 1/C_m),   b = P / (C_f + C_m)

After a loss of cooling the rate starts at P/C_f, its maximum, and decays to b, its minimum: the exponential course of
Khankari, ASHRAE Transactions 117-1 (2011). No heat leaves through walls, which errs on the hot side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Floats, Ints

AIR_J_PER_M3_K = 1.19 * 1006.0  # density [kg/m3] times specific heat [J/kgK] of air at about 20 C
WATER_J_PER_L_K = 4186.0
NEWTON_ROUNDS = 200
NEAR_K = 1e-11
# A surplus that would move a zone by less than a millionth of a kelvin in a thousand years is none.
NO_SLOPE_K_PER_S = 1e-17


@dataclass(frozen=True)
class Bodies:
    """Heat capacity of fluid and mass `[J/K, (Z,)]` and the coupling between them `[W/K, (Z,)]`."""

    fluid_j_per_k: Floats
    mass_j_per_k: Floats
    coupling_w_per_k: Floats

    def at(self, rows: Ints) -> Bodies:
        """Return the bodies of some zones."""
        return Bodies(self.fluid_j_per_k[rows], self.mass_j_per_k[rows], self.coupling_w_per_k[rows])


@dataclass(frozen=True)
class Course:
    """The temperature of the fluid to come: start + b t + c (exp(-r t) - 1) `[C, (Z,)]`, with its energy and difference."""

    start_c: Floats
    slope_k_per_s: Floats
    swing_k: Floats
    rate_per_s: Floats

    @classmethod
    def of(cls, bodies: Bodies, fluid_c: Floats, mass_c: Floats, net_w: Floats) -> Course:
        """Return the course from two temperatures on, under a constant surplus of heat `net_w`."""
        fluid, mass, coupling = bodies.fluid_j_per_k, bodies.mass_j_per_k, bodies.coupling_w_per_k
        both = fluid + mass
        net_w = np.where(np.abs(net_w) < NO_SLOPE_K_PER_S * both, 0.0, net_w)
        rate = coupling * (1.0 / fluid + 1.0 / mass)
        final_k = net_w / (fluid * rate)  # of the fluid above the mass
        return cls(fluid_c, net_w / both, (fluid_c - mass_c - final_k) * mass / both, rate)

    def at(self, seconds: Floats | float) -> Floats:
        """Temperature of the fluid after some seconds `[C, (Z,)]`."""
        gone = np.expm1(-self.rate_per_s * seconds)
        return self.start_c + self.slope_k_per_s * seconds + self.swing_k * gone

    def rate_at(self, seconds: Floats | float) -> Floats:
        """Its rate of change after some seconds `[K/s, (Z,)]`."""
        decay = np.exp(-self.rate_per_s * seconds)
        return self.slope_k_per_s - self.swing_k * self.rate_per_s * decay

    def turn_s(self) -> Floats:
        """When the temperature turns `[s, (Z,)]`: at most once, infinite when it does not."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = self.swing_k * self.rate_per_s / self.slope_k_per_s
            return np.where(ratio >= 1.0, np.log(ratio) / self.rate_per_s, np.inf)


def relax(
    bodies: Bodies, fluid_c: Floats, mass_c: Floats, *, net_w: Floats, seconds: float
) -> tuple[Floats, Floats]:
    """Return the temperatures of fluid and mass `[C, (Z,)]` after `seconds` of constant surplus heat `net_w`."""
    after = Course.of(bodies, fluid_c, mass_c, net_w).at(seconds)
    fluid, mass = bodies.fluid_j_per_k, bodies.mass_j_per_k
    return after, mass_c + (net_w * seconds - fluid * (after - fluid_c)) / mass


def hold(bodies: Bodies, held_c: Floats, mass_c: Floats, seconds: float) -> Floats:
    """Temperature of the mass `[C, (Z,)]` after `seconds` with the fluid held at its set point: it decays to that."""
    return held_c + (mass_c - held_c) * np.exp(-bodies.coupling_w_per_k / bodies.mass_j_per_k * seconds)


def hold_w(bodies: Bodies, heat_w: Floats, held_c: Floats, mass_c: Floats) -> Floats:
    """Cooling `[W, (Z,)]` that holds the fluid at its set point: the heat of the servers and what the mass gives off."""
    return heat_w + bodies.coupling_w_per_k * (mass_c - held_c)


def hold_until_s(bodies: Bodies, held_c: Floats, mass_c: Floats, near_k: float) -> Floats:
    """Seconds `[(Z,)]` until a mass whose fluid is held has come as near as `near_k` to it (0: it has)."""
    away = np.maximum(np.abs(mass_c - held_c) / near_k, 1.0)
    return np.log(away) * bodies.mass_j_per_k / bodies.coupling_w_per_k


def reach_s(course: Course, target_c: Floats, *, rising: bool) -> Floats:
    """Return when the fluid first passes `target_c` upwards (or downwards) `[s, (Z,)]`: exact, infinite when never.

    Zero where it stands at or beyond the target already. The course has at most one turn, so it is searched on the
    monotone piece that ends at the turn and on the one that begins there; on each its curvature keeps its sign.
    """
    sign = 1.0 if rising else -1.0
    gap = sign * (target_c - course.start_c)
    up = Course(np.zeros_like(gap), sign * course.slope_k_per_s, sign * course.swing_k, course.rate_per_s)
    turn = up.turn_s()
    goes_up_first = up.rate_at(0.0) > 0.0
    low = np.where(goes_up_first, 0.0, turn)
    high = np.where(goes_up_first, turn, np.inf)
    found = np.full(gap.shape, np.inf)
    found[gap <= 0.0] = 0.0
    search = (gap > 0.0) & np.isfinite(low) & (_limit(up, high) > gap)
    if search.any():
        rows = np.flatnonzero(search)
        part = Course(*(values[rows] for values in vars(up).values()))
        found[rows] = _root(part, gap[rows], low[rows], np.minimum(high[rows], _enough_s(part, gap[rows])))
    return found


def _limit(course: Course, seconds: Floats) -> Floats:
    """The temperature at a time, or at the end of time: infinite with a slope, start - swing without."""
    far = np.where(
        course.slope_k_per_s > 0.0, np.inf, np.where(course.slope_k_per_s < 0.0, -np.inf, -course.swing_k)
    )
    return np.where(np.isfinite(seconds), course.at(np.where(np.isfinite(seconds), seconds, 0.0)), far)


def _enough_s(course: Course, gap: Floats) -> Floats:
    """A time by which the target has surely been passed, when the course rises for ever or settles above it.

    Infinite when it falls for ever: there the turn ends the bracket.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        line = (gap + np.abs(course.swing_k)) / course.slope_k_per_s
        settled = np.log(-course.swing_k / (-course.swing_k - gap)) / course.rate_per_s
    alone = np.where(np.isfinite(settled) & (settled > 0.0), settled * (1.0 + 1e-9) + 1e-9, np.inf)
    # With a slope upwards it is there before the exponential alone is: the earlier of the two is enough.
    rises = np.where(course.slope_k_per_s > 0.0, np.minimum(line, alone) * (1.0 + 1e-12), alone)
    return np.where(course.slope_k_per_s < 0.0, np.inf, rises)


def _root(course: Course, gap: Floats, low: Floats, high: Floats) -> Floats:
    """Newton's method inside a bracket that it must not leave, halving the bracket where it would."""
    low, high = low.copy(), high.copy()
    time = np.where(
        course.swing_k < 0.0, low, high
    )  # concave: Newton comes from the left and never overshoots
    for _ in range(NEWTON_ROUNDS):
        value, rate = course.at(time) - gap, course.rate_at(time)
        low, high = np.where(value <= 0.0, time, low), np.where(value >= 0.0, time, high)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = time - value / rate
        inside = (step >= low) & (step <= high)
        following = np.where(inside, step, 0.5 * (low + high))
        near = (np.abs(following - time) <= 1e-12 * time) | (np.abs(value) <= NEAR_K)
        time = following
        if near.all():
            break
    return time


__all__ = [
    "AIR_J_PER_M3_K",
    "WATER_J_PER_L_K",
    "Bodies",
    "Course",
    "hold",
    "hold_until_s",
    "hold_w",
    "reach_s",
    "relax",
]
