"""Pictures of a fleet and of what happened in it; the only place that knows matplotlib."""
