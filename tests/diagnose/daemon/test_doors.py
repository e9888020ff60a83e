"""The sockets: one daemon each, closed to strangers."""

import socket
import stat

import pytest

from diagnose.daemon.doors import refuse_open_doors, tcp_door, unix_door
from diagnose.ingest.tokens import Tokens
from diagnose.schema import Failure
from diagnose.settings.sections import DaemonSection


def test_one_daemon_a_socket_whose_owner_and_group_may_ask(tmp_path):
    path = tmp_path / "run" / "daemon.sock"
    with unix_door(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        with pytest.raises(Failure, match="a daemon answers there already"), unix_door(path):
            pass
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    assert not path.exists()


def test_what_a_killed_daemon_left_is_replaced(tmp_path):
    path = tmp_path / "daemon.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with unix_door(path), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


@pytest.mark.parametrize("name", ["x" * 200, "file/daemon.sock"])
def test_a_path_that_cannot_be_used_is_told(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match=r"choose another daemon\.socket"), unix_door(tmp_path / name):
        pass


def test_beyond_loopback_tokens_are_wanted(tmp_path):
    tokens = Tokens(tmp_path / "tokens.json")
    refuse_open_doors(DaemonSection(), tokens)
    refuse_open_doors(DaemonSection(listen="[::1]:0"), tokens)
    with pytest.raises(Failure, match=r"daemon\.listen 0\.0\.0\.0:0 is no loopback address"):
        refuse_open_doors(DaemonSection(listen="0.0.0.0:0"), tokens)
    tokens.add("prometheus", "read")
    refuse_open_doors(DaemonSection(listen="0.0.0.0:0"), tokens)


def test_an_address_that_is_taken_is_told():
    with tcp_door("127.0.0.1:0") as door, pytest.raises(Failure, match="cannot be served"):
        tcp_door(f"127.0.0.1:{door.getsockname()[1]}")
