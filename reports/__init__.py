"""The reports of fleetwin: verdicts for people and machines, drawn from records."""
