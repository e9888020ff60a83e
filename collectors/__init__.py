"""WHAT HAPPENED: sources of telemetry, each one read into the same two tables."""
