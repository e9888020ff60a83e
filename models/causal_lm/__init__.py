"""What a language model believes about pairs of signal kinds; it never reads telemetry's text."""
