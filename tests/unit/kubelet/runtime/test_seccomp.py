"""The filter is judged by the kernel: a process that has it makes system calls, and is refused."""

import errno
import os
import struct
import subprocess
import sys

import pytest

from netlab.kubelet.runtime import seccomp

PROGRAM = """
import ctypes, os, sys
from netlab.kubelet.runtime import seccomp
from netlab.linux.syscalls import SeccompFilter, prctl
prctl(38, 1)
SeccompFilter(seccomp.default_profile()).set()
libc = ctypes.CDLL(None, use_errno=True)
for words in sys.argv[1:]:
    number, *arguments = map(int, words.split())
    ctypes.set_errno(0)
    libc.syscall(number, *map(ctypes.c_ulong, arguments), *[ctypes.c_ulong(0)] * 4)
    print(ctypes.get_errno())
"""
X86_64 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
CALLS = {
    "getpid": ("39", 0),
    "mount": ("165", errno.EPERM),
    "unshare": ("272", errno.EPERM),
    "bpf": ("321", errno.EPERM),
    "keyctl": ("250", errno.EPERM),
    "io_uring_setup": ("425", errno.EPERM),
    "open_tree": ("428", errno.EPERM),
    "clone3": ("435", errno.ENOSYS),
    "clone with a user namespace": (f"56 {0x1000_0000}", errno.EPERM),
    "socket of IPv4": ("41 2 2 0", 0),
    "socket of netlink": ("41 16 3 0", 0),
    "socket of AF_ALG": ("41 38 5 0", errno.EPERM),
    "socket of AF_VSOCK": ("41 40 1 0", errno.EPERM),
    "personality of now": (f"135 {0xFFFF_FFFF}", 0),
    "personality without randomness": (f"135 {0x4_0000}", errno.EPERM),
    "a call that is newer than the profile": ("467", errno.ENOSYS),
    "a call of x32": (f"{0x4000_0000 + 39}", errno.ENOSYS),
}


@X86_64
def test_the_kernel_refuses_what_the_profile_withholds():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *(words for words, _ in CALLS.values())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = dict(zip(CALLS, map(int, done.stdout.split()), strict=True))
    assert found == {name: error for name, (_, error) in CALLS.items()}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_no_jump_leaves_the_program(machine: str):
    program = seccomp.default_profile(machine)
    instructions = list(struct.iter_unpack("=HBBI", program))
    for place, (code, if_true, if_false, _) in enumerate(instructions):
        if code & 0x07 == 0x05:
            assert place + 1 + max(if_true, if_false) < len(instructions)
    assert instructions[-1][0] == 0x06


def test_a_machine_without_a_profile_has_no_filter():
    assert seccomp.default_profile("riscv64") == b""
    assert not seccomp.is_known("riscv64")
    assert seccomp.is_known("aarch64")
