"""What was acknowledged is kept: a journal, the tables behind it, and one reader over both.

    batch -> journal.py (SQLite, synced, acknowledged) -> flush.py -> tables.py (Delta Lake)
                  +----------------- reader.py: each record once ------------------+

Two processes write: ``writer.py`` the journal, ``mover.py`` the tables. ``upkeep.py`` compacts and
forgets; ``damage.py`` finds what a disk broke and repairs it.
"""
