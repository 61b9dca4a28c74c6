"""Who listens on a Unix socket is asked of the kernel, not of the file system."""

import os
import socket
from pathlib import Path

from netlab.linux.unix_sockets import is_listening


def test_a_socket_is_found_by_the_name_it_was_bound_to(tmp_path: Path):
    bound = tmp_path / "new.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(bound))
        assert not is_listening(os.getpid(), bound)
        listener.listen()
        assert not is_listening(os.getppid(), bound)
        assert is_listening(os.getpid(), bound)
        bound.rename(tmp_path / "final.sock")
        assert is_listening(os.getpid(), bound)
        assert not is_listening(os.getpid(), tmp_path / "final.sock")
    assert not is_listening(os.getpid(), bound)
