"""The netns agent: the one process of a lab that changes its network, from inside its namespaces.

Theory of operation
-------------------
A namespace belongs to a thread, and the control plane has an event loop (and a library that may
start threads), so it never enters one. This process is forked first, and sent requests over a
channel. It has one thread: it moves between namespaces, sends netlink requests in them, runs
``iptables-restore`` and ``nft``, opens sockets and hands their descriptors over. Requests are
carried out in order. When the control plane is gone, so is the netns agent; what it made stays, and
the next one finds it in the kernel.
"""

import os
import signal
import socket
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from netlab.errors import KernelError, NetlabError
from netlab.linux import channel, iptables, nft, processes
from netlab.linux.nftables_query import has_rules
from netlab.model.addresses import Family
from netlab.model.names import NetnsFamily, NetnsName
from netlab.netfilter.nftables.table import TABLE
from netlab.netns_agent import apply, conntrack, read, sockets
from netlab.netns_agent import requests as rq
from netlab.rootless.home import go_home


def fork() -> socket.socket:
    """Fork the netns agent off the calling process and return our end of its channel."""
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
        processes.set_title("netlab netns agent")
        go_home()
        while True:
            _answer_one(end)
    except (EOFError, ConnectionError):
        pass
    except BaseException as error:  # noqa: BLE001 (the last word of this process)
        print(f"netns agent: {type(error).__name__}: {error}", flush=True)  # noqa: T201 (its log)
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
    except Exception as error:  # noqa: BLE001 (one request's; the lab goes on)
        traceback.print_exc()
        failure = KernelError(f"bug in {type(request).__name__}: {type(error).__name__}: {error}")
        answer = channel.Answer(number=number, error=failure)
    channel.send(end, answer, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)


def _carry_out(request: rq.Request) -> tuple[Any, list[int]]:
    if isinstance(request, rq.Listen):
        return None, [sockets.listen(request)]
    if isinstance(request, rq.Connect):
        return None, [sockets.connect(request)]
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
            return nft.load(request.texts)
        case rq.SaveRules():
            return _by_family(request.keys, iptables.save)
        case rq.ReadTables():
            return _by_family(request.keys, _list_tables)
        case rq.FindLost():
            return _find_lost(request)


def _by_family(
    keys: Sequence[NetnsFamily],
    read: Callable[[Sequence[NetnsName], Family], Mapping[NetnsName, str]],
) -> dict[NetnsFamily, str]:
    """Read namespaces, those of one family after those of the other."""
    texts: dict[NetnsFamily, str] = {}
    for family in sorted({key.family for key in keys}):
        found = read([key.netns for key in keys if key.family is family], family)
        texts |= {NetnsFamily(name, family): text for name, text in found.items()}
    return texts


def _list_tables(names: Sequence[NetnsName], family: Family) -> dict[NetnsName, str]:
    return nft.list_table(names, family, TABLE)


def _find_lost(request: rq.FindLost) -> frozenset[NetnsFamily]:
    lost = iptables.lacking(request.keys, request.chains)
    emptied = {
        key
        for key in request.keys
        if key not in lost and not all(has_rules(*key, TABLE, chain) for chain in request.filled)
    }
    return lost | emptied


def _clean_udp(request: rq.CleanUdp) -> dict[NetnsFamily, int]:
    stale = request.services.is_stale
    return {key: conntrack.delete_udp(*key, stale) for key in request.keys}
