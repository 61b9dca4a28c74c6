"""The launcher: the one process of a lab that changes its network, from inside its namespaces.

Theory of operation
-------------------
A namespace belongs to a thread, and the control plane has an event loop (and a library that may
start threads), so it never enters one. It forks this process first and sends it requests over a
channel. The launcher has one thread: it moves between namespaces, sends netlink requests in them,
runs ``iptables-restore`` and ``nft``, opens sockets and hands their descriptors over. Requests are
carried out in order. When the control plane is gone, so is the launcher; what it made stays, and
the next one finds it in the kernel.
"""

import os
import signal
import socket
from typing import Any, NoReturn

from netlab.errors import KernelError, NetlabError
from netlab.kernel import apply, channel, conntrack, iptables, nftables, processes, read
from netlab.kernel import requests as rq
from netlab.kernel.netns import inside
from netlab.kernel.nft_looks import has_rules
from netlab.model.addresses import Family
from netlab.model.names import NetnsName
from netlab.proxy.nftables.table import TABLE


def fork() -> socket.socket:
    """Fork the launcher off the calling process and return our end of its channel."""
    ours, theirs = channel.pair()
    if os.fork() == 0:
        ours.close()
        _main(theirs)
    theirs.close()
    return ours


def _main(end: socket.socket) -> NoReturn:
    status = 0
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        processes.set_title("netlab launcher")
        while True:
            _answer_one(end)
    except (EOFError, ConnectionError):
        pass
    except BaseException as error:  # noqa: BLE001 (the last word of this process)
        print(f"launcher: {type(error).__name__}: {error}", flush=True)  # noqa: T201 (its log)
        status = 70
    os._exit(status)


def _answer_one(end: socket.socket) -> None:
    (number, request), _ = channel.receive(end)
    descriptors: list[int] = []
    try:
        value, descriptors = _carry_out(request)
        answer = channel.Answer(number=number, value=value)
    except NetlabError as error:
        answer = channel.Answer(number=number, error=error)
    except OSError as error:
        failure = KernelError(f"{type(request).__name__}: {error}")
        answer = channel.Answer(number=number, error=failure)
    channel.send(end, answer, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)


def _carry_out(request: rq.Request) -> tuple[Any, list[int]]:
    if isinstance(request, rq.Listen):
        return None, [_listen(request)]
    return _value(request), []


def _value(request: rq.Valued) -> Any:  # noqa: ANN401 (each request has its own)
    match request:
        case rq.Apply():
            return apply.apply(request.operations)
        case rq.ReadLab():
            return read.read_lab(request.lab)
        case rq.CleanUdp():
            return _clean_udp(request)
        case _:
            return _rules(request)


def _rules(request: rq.OfRules) -> Any:  # noqa: ANN401 (each request has its own)
    match request:
        case rq.Restore():
            return iptables.restore(request.texts)
        case rq.LoadTables():
            return nftables.load(request.texts)
        case rq.SaveRules():
            return iptables.save(request.netns)
        case rq.ReadTables():
            return nftables.list_table(request.netns, Family.IPV4, TABLE)
        case rq.FindLost():
            return _find_lost(request)


def _find_lost(request: rq.FindLost) -> frozenset[NetnsName]:
    lost = iptables.lacking(request.netns, request.chains)
    emptied = {
        name
        for name in request.netns
        if name not in lost
        and not all(has_rules(name, Family.IPV4, TABLE, chain) for chain in request.filled)
    }
    return lost | emptied


def _clean_udp(request: rq.CleanUdp) -> dict[NetnsName, int]:
    stale = request.services.is_stale
    return {name: conntrack.delete_udp(name, stale) for name in request.netns}


def _listen(request: rq.Listen) -> int:
    with inside(request.netns):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((request.address, request.port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener.detach()
