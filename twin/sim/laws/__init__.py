"""The laws of physics that the twin plays, one file each: pure functions with unit and source."""
