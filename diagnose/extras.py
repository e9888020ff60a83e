"""How an extra is installed: from the source folder, since this distribution is on no index."""


def installing(extra: str) -> str:
    """Return how an extra of this distribution is installed, as a way out of a failure.

    Example:
        >>> installing("ray")
        "in the folder of Aitia's source: pip install -c constraints.txt -e '.[ray]'"
    """
    return f"in the folder of Aitia's source: pip install -c constraints.txt -e '.[{extra}]'"
