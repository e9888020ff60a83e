"""Simulated servers: what acts on what in them, as engineers know it, and data that obey it."""
