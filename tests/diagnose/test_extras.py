import shlex
import tomllib
from pathlib import Path

import pytest

from diagnose.extras import installing

SOURCE = Path(__file__).parents[2]
PROJECT = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_the_way_out_names_only_what_is_there(extra):
    _, _, command = installing(extra).partition(": ")
    program, verb, _, constraints, _, what = shlex.split(command)
    assert (program, verb) == ("pip", "install")
    assert (SOURCE / constraints).is_file()
    assert what == f".[{extra}]"  # of this folder: the name may be anybody's on an index
    assert PROJECT["name"] not in command
