"""Who proposes, coordinates, approves and promotes: the agents of fleetwin. Empty so far; see README.md."""
