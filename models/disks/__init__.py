"""Will this disk fail? A discrete-time survival model on the SMART values that were known.

    rows -> history.py -> features.py -> survival.py -> p_24h <= p_7d <= p_30d
            what was known when          hazards of three intervals, by boosted trees

``sequences.py`` adds what the course of the values tells, where that proved to help. ``weights/``
holds what is shipped: trees in LightGBM's text format and their card in JSON.
"""
