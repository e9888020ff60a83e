"""The picture of a real diagnosis in the README: what a terminal shows, as SVG.

python -m tests.bench.picture BUNDLE diagnosis.svg
"""

import argparse
import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 112
END = "\nEdges"  # the table of all edges is for a wider screen
REMOTE_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)  # a picture fetches nothing


def on_a_terminal(command: list[str]) -> str:
    """Return what ``command`` writes to a terminal of ``COLUMNS`` columns."""
    ours, theirs = pty.openpty()
    surroundings = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    with subprocess.Popen(
        command, stdout=theirs, stderr=subprocess.DEVNULL, env=surroundings
    ) as process:
        os.close(theirs)
        written = bytearray()
        try:
            while part := os.read(ours, 65_536):
                written += part
        except OSError:  # Linux says so when the other side is closed
            pass
        os.close(ours)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{command} exited with {process.returncode}")
    return written.decode(errors="replace").replace("\r\n", "\n")


def main() -> int:
    """Explain the bundle and draw the answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    shown = on_a_terminal([sys.executable, "-m", "diagnose", "explain", str(options.bundle)])
    screen = Console(record=True, width=COLUMNS, file=io.StringIO())
    screen.print(Text.from_ansi(shown.split(END)[0].rstrip()))
    drawn = screen.export_svg(title=f"aitia explain {options.bundle.name}")
    options.picture.write_text(REMOTE_FONTS.sub("", drawn), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
