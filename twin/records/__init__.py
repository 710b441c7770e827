"""What a run and a judgement leave behind: frozen records and the one registry of metrics."""
