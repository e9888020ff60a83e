"""The process that keeps the models loaded, answers who asks, and scans when it is time.

``queue`` holds what waits, ``batches`` runs the model, ``explanations`` runs the pipeline, ``app``
speaks HTTP, ``schedule`` knows when to scan, ``server`` is the process. ``client`` is how a command
asks it, and imports nothing of the others.
"""
