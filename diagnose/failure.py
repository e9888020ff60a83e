"""What goes wrong in a way that people are told about, and never with a traceback."""


class Failure(Exception):  # noqa: N818 - it reads "raise Failure(what, way_out)"
    """Something that was asked for cannot be done, and what the user can do about it.

    Whoever reads from outside (files, settings, a database, a service) raises it; only the entry
    points catch it and show ``str(failure)`` on one line.

    Attributes:
        what: What is wrong and where, a clause without a full stop.
        way_out: What to do about it, in the imperative; "" where nothing can be done.

    Example:
        >>> str(Failure("no folder 'inc-1'", "give the path of an incident bundle"))
        "no folder 'inc-1' (give the path of an incident bundle)"
    """

    def __init__(self, what: str, way_out: str = "") -> None:
        super().__init__(what, way_out)
        self.what = what
        self.way_out = way_out

    def __str__(self) -> str:
        """Return both on one line."""
        return f"{self.what} ({self.way_out})" if self.way_out else self.what
