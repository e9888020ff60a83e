"""How the causal language model is trained: low-rank adapters, a loop, what it minimises."""
