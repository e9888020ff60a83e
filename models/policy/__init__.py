"""A policy over causal graphs: rewarded by what can be verified, tuned by what people accept."""
