"""WHAT IT MEANS: composes telemetry and models, judges their claims, talks to people."""
