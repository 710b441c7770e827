"""Formulations: one file each, whose constraints are small named functions that read like the paper."""
