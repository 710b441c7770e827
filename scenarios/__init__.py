"""Worlds to try a plan in: the suites, hazards, demand and traces of fleetwin."""
