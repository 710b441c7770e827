"""The simulator: the only place that knows SimPy.

`simulate` (in `run`) plays one list of plan changes in one world and returns a `Run`. One file per kind of
physics; `coordinator` is the loop.
"""
