"""What has to be put back when this process ends, even when it is killed.

A child waits at a pipe whose other end this process holds. When that end closes, for whatever
reason, the child does its work and is gone.
"""

import os
import signal
from collections.abc import Callable


class Afterwards:
    """A child that calls ``action`` once this process has closed it or has ended.

    The process must have one thread.

    Args:
        action: Without output; it runs in the child.

    Raises:
        OSError: No child could be made.
    """

    def __init__(self, action: Callable[[], None]) -> None:
        waiting, self._held = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._held)
            _wait_and_act(waiting, action)
        os.close(waiting)

    def close(self) -> None:
        """Have the child act now, and wait until it has.

        Raises:
            OSError: Its action failed.
        """
        # A child that was made later holds this pipe's end too: closing it would not be enough.
        os.write(self._held, b".")
        os.close(self._held)
        if os.waitpid(self._pid, 0)[1]:
            raise OSError(0, "what was changed could not be put back")


def _wait_and_act(waiting: int, action: Callable[[], None]) -> None:
    code = 1
    try:
        # The terminal's Ctrl-C goes to children too; the end of the parent is what counts.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.read(waiting, 1)
        action()
        code = 0
    except FileNotFoundError:
        # The namespace has gone, and what was changed in it.
        code = 0
    finally:
        os._exit(code)
