"""``aitia ingest``: telemetry that others push is received, acknowledged and kept.

    request -> tokens.py (may they?) -> body.py (is it bounded?) -> collectors.push (what is it?)
            -> limits, redaction -> telemetry.writer (durable) -> 2xx

``app.py`` is HTTP, ``syslog.py`` are lines; ``server.py`` runs both in one process, which never
opens a table: a second one, that the writer starts, moves what is durable there.
"""
