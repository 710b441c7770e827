"""Fleets made by rule: the parts, one site, the workload, the example fleet."""
