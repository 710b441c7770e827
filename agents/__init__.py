"""Who proposes, coordinates, approves and promotes: the agents of fleetwin. So far the loop of solver and twin; see README.md."""
