"""Plans from mathematics: the solvers of fleetwin. Empty so far; see README.md beside this file."""
