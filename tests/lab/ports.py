"""Where everything listens: fixed ports of 127.0.0.1."""

from typing import Final

WEB: Final = 31001
CATALOG: Final = 31002
ORDERS: Final = 31003
WORKER: Final = 31004
LOADGEN: Final = 31005
BATCH: Final = 31006
BACKUP: Final = 31007
REDIS: Final = 31379
POSTGRES: Final = 31432
# catalog's network interface: towards its callers, to Redis, to PostgreSQL
WIRE_CATALOG: Final = 31012
WIRE_REDIS: Final = 31013
WIRE_POSTGRES: Final = 31014

PROMETHEUS: Final = 31090
NODE: Final = 31100
REDIS_EXPORTER: Final = 31121
POSTGRES_EXPORTER: Final = 31187
PROCESSES: Final = 31256

SERVICES: Final = {
    "web": WEB,
    "catalog": CATALOG,
    "orders": ORDERS,
    "worker": WORKER,
    "loadgen": LOADGEN,
    "batch-job": BATCH,
    "backup": BACKUP,
}
SCRAPED: Final = {
    **SERVICES,
    "redis": REDIS_EXPORTER,
    "postgres": POSTGRES_EXPORTER,
    "host": NODE,
    "processes": PROCESSES,
}
