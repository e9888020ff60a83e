"""The fleet, looked at every few minutes: which servers fail next, and which are in trouble now.

    hosts -> shards -> panel.py (one read for many hosts) -> screening.py (bounds, predictors)
                                                                  |
              only what is suspicious -> explanation.py -> reports -> checkpoint.py (state database)

``engines.py`` says where the shards are worked on; ``flow.py`` is the scan as a whole.
"""
