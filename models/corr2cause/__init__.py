"""From correlation to causation: what a list of statistical relations says about what causes what.

``graphs`` and ``classes`` hold the mathematics, ``relations`` the six things that can be claimed of
two variables, ``statements`` the exact solver, ``generate`` the items to learn from and to be
measured on, ``reading`` the way back from words to symbols.

Reference: Jin et al., "Can Large Language Models Infer Causation from Correlation?", ICLR 2024, for
the task; labels are those of a correct solver.
"""
