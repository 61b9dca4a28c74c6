"""Exit codes of programs that could not be run, as a shell has them."""

import errno

NOT_FOUND = 127
_NOT_EXECUTABLE = 126


def exit_code_of(error: OSError) -> int:
    """Return the exit code for a program that could not be executed."""
    return NOT_FOUND if error.errno == errno.ENOENT else _NOT_EXECUTABLE
