"""``python -m diagnose`` is ``aitia``."""

from diagnose.cli import main

if __name__ == "__main__":
    main()
