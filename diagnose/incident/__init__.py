"""From where telemetry lies to one Window: bundles, live sources, what was kept."""
