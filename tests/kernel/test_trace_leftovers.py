"""A trace that is cut short leaves nothing, and one that did not hear everything says so."""

import ctypes
import os
import signal
import struct
from collections.abc import Callable

import pytest

from netlab.client.api_client import Client
from netlab.client.cluster import Cluster
from netlab.client.hosts import hosts
from netlab.linux.bpf import syscall as bpf_syscall
from netlab.linux.cleanup_process import Afterwards
from netlab.linux.netns import inside
from netlab.model.rundir import control_socket
from netlab.render.trace.tree import TraceStyle, render_trace
from netlab.sources import kernel_drops
from netlab.sources.kernel_drops import KernelDrops
from netlab.sources.rule_trace_messages import TABLE_PREFIX
from netlab.trace.session.tracing import TraceRequest, trace
from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

NOW = 1_700_000_000.0
SILENT = "tcp://node2:83"
"""A rule drops what comes there: a trace waits for its answer as long as it is told to."""
DROP = ("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "83", "-j", "DROP")


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Lab:
    made = make_lab()
    made.up("two-nodes")
    assert made.inside("node2", *DROP).returncode == 0
    return made


def programs() -> set[str]:
    """Return the names of all eBPF programs in the kernel."""
    next_id, by_id, info_by_fd = 11, 13, 15
    libc = ctypes.CDLL(None, use_errno=True)
    number = bpf_syscall._SYS_BPF[os.uname().machine]
    names, last = set(), 0
    while True:
        held = ctypes.create_string_buffer(struct.pack("=III", last, 0, 0))
        if libc.syscall(number, next_id, held, 12) < 0:
            return names
        last = struct.unpack_from("=I", held, 4)[0]
        try:
            program = bpf_syscall._bpf(by_id, struct.pack("=III", last, 0, 0))
        except FileNotFoundError:
            continue  # it has just gone
        info = ctypes.create_string_buffer(128)
        bpf_syscall._bpf(info_by_fd, struct.pack("=IIQ", program, 128, ctypes.addressof(info)))
        os.close(program)
        names.add(info.raw[64:80].split(b"\0")[0].decode())


def tables(lab: Lab, host: str) -> str:
    return lab.inside(host, "nft", "list", "tables").stdout


def rules(lab: Lab) -> list[str]:
    text = lab.inside("node2", "iptables-save").stdout
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_a_killed_trace_leaves_neither_table_nor_program(lab: Lab):
    before = rules(lab)
    running = lab.start("trace", "client", SILENT, "--timeout", "30")
    ours = f"netlab_{running.pid}"
    wait_for(lambda: f"{TABLE_PREFIX}{running.pid}" in tables(lab, "router"))
    # Arming is the last step, so the program is there by now, and the rules are as ever.
    assert ours in programs()
    assert rules(lab) == before

    os.kill(running.pid, signal.SIGKILL)
    running.communicate()

    wait_for(lambda: ours not in programs(), 2)
    for host in ("client", "router", "node1", "node2"):
        assert TABLE_PREFIX not in tables(lab, host)
    assert rules(lab) == before


def test_ctrl_c_ends_a_trace_and_leaves_nothing_either(lab: Lab):
    running = lab.start("trace", "client", SILENT, "--timeout", "30")
    wait_for(lambda: f"{TABLE_PREFIX}{running.pid}" in tables(lab, "router"))

    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=10)

    assert running.returncode != 0
    assert "Traceback" not in stderr
    assert f"netlab_{running.pid}" not in programs()
    assert TABLE_PREFIX not in tables(lab, "router")


def test_messages_that_found_no_room_are_counted_and_said(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("netlab.linux.netlink.BUFFER_BYTES", 1)
    cluster = Cluster(
        lab=lab.name,
        objects=Client(control_socket(lab.name)),
        read_hosts=lambda: hosts(lab.name),
    )
    request = TraceRequest(caller="client", target="http://node2:30080", timeout_s=1.0)

    found = trace(cluster, request, NOW)

    assert not found.is_complete
    assert any("the kernel dropped messages" in warning for warning in found.warnings)
    assert "INCOMPLETE" in render_trace(found, TraceStyle(width=100))


def test_drops_that_found_no_room_are_counted(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kernel_drops, "RING_BYTES", 4096)
    client = [host for host in hosts(lab.name) if host.name == "client"]
    calls = "for i in $(seq 60); do curl -s 127.0.0.1:9; done"

    opened = KernelDrops(client, inside)
    try:
        lab.inside("client", "sh", "-c", calls)
        opened.serve()
    finally:
        opened.close()

    # A report takes 128 bytes with its header, so 31 fit: one stays free.
    assert {drop.code for drop in opened.drops} == {"NO_SOCKET"}
    assert len(opened.drops) < 32
    assert opened.lost >= 60 - 32


def test_what_cannot_be_put_back_is_no_secret():
    def fail() -> None:
        raise PermissionError

    with pytest.raises(OSError, match="could not be put back"):
        Afterwards(fail).close()
