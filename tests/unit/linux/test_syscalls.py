import errno
from collections.abc import Callable

import pytest

from netlab.linux import namespaces, syscalls


@pytest.mark.parametrize(
    ("call", "number"),
    [
        pytest.param(lambda: namespaces.setns(-1, 0), errno.EBADF, id="setns"),
        pytest.param(lambda: syscalls.umount("/nowhere/at/all"), errno.ENOENT, id="umount"),
        pytest.param(lambda: syscalls.prctl(-1, 0), errno.EINVAL, id="prctl"),
        pytest.param(lambda: syscalls.capset(bytes(8), bytes(24)), errno.EINVAL, id="capset"),
    ],
)
def test_a_refusal_is_an_error_with_the_kernels_number(call: Callable[[], None], number: int):
    with pytest.raises(OSError) as refused:  # noqa: PT011 (its number tells)
        call()
    # Without privilege the kernel does not get to look at the arguments.
    assert refused.value.errno in {number, errno.EPERM}
