"""What observers see: typed events without secrets or message texts."""
