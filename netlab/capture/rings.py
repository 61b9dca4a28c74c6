"""Capture rings on the namespaces of a choice, kept in step with the namespaces that exist.

Theory of operation
-------------------
A pod may come or go while a capture runs. ``follow`` compares the namespaces that exist with those
that are heard, by name and inode: a new one gets a ring, the ring of one that is gone is drained
and closed. It must be closed at once: an open socket keeps a namespace alive without its name, with
the links in it, and a new pod of the same name would find its interface taken.

Frames of one ring come in the order of time, those of several do not. A block is handed over at
most ``HOLD_NS`` after its first frame, so what is older than that is complete and can be sorted.
"""

import resource
import select
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from netlab.capture.capture_point import CapturePoint, HeardInterface
from netlab.capture.points import Choice, interfaces_of
from netlab.client.hosts import host_of
from netlab.errors import KernelError
from netlab.linux import netns_names
from netlab.linux.interfaces import InterfaceSeen
from netlab.linux.netns import inside
from netlab.linux.packet_ring import BLOCK_BYTES, Passage, Points, Record, Ring, is_second_copy
from netlab.linux.socket_filters import at_interfaces
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName

HOLD_NS: Final = 100_000_000
"""Twice the time after which the kernel hands over a block that is not full, and some more."""

SETTLED_NS: Final = 200_000_000
"""A change of a directory that is so old can have no second one with the same time stamp."""

ROOM_BYTES: Final = 128 << 20
"""What all rings share while none has less than the least or more than the most."""
LEAST_BLOCKS: Final = 2
MOST_BLOCKS: Final = 64
AT_ONCE: Final = 32
"""Starting and closing a ring each wait for some milliseconds, and do so beside others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What became of hosts since the last look."""

    come: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """A sentence each."""


Meet = Callable[[HeardInterface], None]


@dataclass(slots=True, kw_only=True)
class _Heard:
    """One namespace with its ring."""

    host: Host
    inode: int
    ring: Ring
    points: Points[CapturePoint]
    known: dict[int, InterfaceSeen] = field(default_factory=dict)
    """The interfaces that it had when the ring was opened."""
    interfaces: dict[int, HeardInterface] = field(default_factory=dict)


class CaptureRings:
    """What a capture listens with.

    Args:
        choice: Where.
        program: The socket filter of every ring.
    """

    def __init__(self, choice: Choice, program: bytes) -> None:
        self._choice = choice
        self._existing = _Existing(choice)
        self._program = program
        self._heard: dict[NetnsName, _Heard] = {}
        self._refused: dict[NetnsName, int] = {}
        self.interfaces: list[HeardInterface] = []
        """Every interface that was met, by number."""
        self.listeners: list[Meet] = []
        """Told of each interface before any frame of it is taken."""
        self._dropped_before: Counter[str] = Counter()
        self._held: list[Record[CapturePoint]] = []
        self._poll = select.poll()
        _allow_many_files()

    def __len__(self) -> int:
        return len(self._heard)

    @property
    def is_holding(self) -> bool:
        """Whether frames are held back that will soon be ready."""
        return bool(self._held)

    def follow(self) -> News:
        """Open and close rings as namespaces came and went; return what is new."""
        now = self._existing.inodes()
        news = News()
        for name in [name for name, heard in self._heard.items() if now.get(name) != heard.inode]:
            news.gone.append(self._heard[name].host.name)
            self._close(self._heard.pop(name))
        new = [
            name for name in now if name not in self._heard and self._refused.get(name) != now[name]
        ]
        if new:
            blocks = min(MOST_BLOCKS, max(LEAST_BLOCKS, ROOM_BYTES // BLOCK_BYTES // len(now)))
            opened = [self._open(name, now[name], blocks, news) for name in new]
            self._start([heard for heard in opened if heard is not None], news)
        return news

    def has_lab(self) -> bool:
        """Tell whether anything of the lab is left, heard or not."""
        return bool(netns_names.names_of(self._choice.lab))

    def wait(self, timeout_s: float) -> None:
        """Wait until some ring has frames, or the time is over."""
        self._poll.poll(timeout_s * 1000)

    def collect(self) -> None:
        """Make room for new frames; a long task in between calls this now and then."""
        for heard in self._heard.values():
            heard.ring.collect()

    def take(self, *, everything: bool = False) -> list[Record[CapturePoint]]:
        """Return frames in the order of time; the newest are held back unless all are wanted."""
        records = self._held
        for heard in self._heard.values():
            records += heard.ring.take(heard.points)
        records.sort(key=itemgetter(0))
        ready = len(records)
        if not everything and len(self._heard) > 1:
            until = time.clock_gettime_ns(time.CLOCK_REALTIME) - HOLD_NS
            ready = bisect_right(records, until, key=itemgetter(0))
        self._held = records[ready:]
        return records[:ready]

    def dropped(self) -> Counter[str]:
        """Return how many frames found no room, by host, those of closed rings included."""
        total = Counter(self._dropped_before)
        for heard in self._heard.values():
            total[heard.host.name] += heard.ring.dropped()
        return total

    def close(self) -> None:
        """Give every ring back."""
        self._dropped_before = self.dropped()
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(lambda heard: heard.ring.close(), self._heard.values()))
        self._heard.clear()

    def _open(self, name: NetnsName, inode: int, blocks: int, news: News) -> _Heard | None:
        """Return a ring that is yet to start; None when there can be none."""
        host = Host(
            name=host_of(self._choice.lab, name), kind=HostKind.POD, netns=name, addresses=()
        )
        try:
            known = interfaces_of(name)
            chosen = [i for i, seen in known.items() if self._choice.hears(name, seen.ifname)]
            program = self._program
            if self._choice.ifnames.get(name):
                program = at_interfaces(program, chosen)
            ring = Ring(host, inside, program, blocks=blocks, later=True)
        except FileNotFoundError:
            return None  # it has just gone
        except (OSError, KernelError) as error:
            self._refuse(host, inode, error, news)
            return None
        heard = _Heard(host=host, inode=inode, ring=ring, points=Points(lambda _: None))
        heard.points = Points(lambda passage: self._vantage(heard, passage))
        heard.known = {ifindex: known[ifindex] for ifindex in chosen}
        return heard

    def _start(self, opened: Sequence[_Heard], news: News) -> None:
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            results = [(heard, pool.submit(heard.ring.start)) for heard in opened]
        for heard, result in results:
            if isinstance(error := result.exception(), KernelError):
                self._refuse(heard.host, heard.inode, error, news)
                continue
            result.result()
            for seen in heard.known.values():
                self._met(heard, seen)
            self._heard[heard.host.netns] = heard
            self._poll.register(heard.ring, select.POLLIN)
            news.come.append(heard.host.name)

    def _refuse(self, host: Host, inode: int, error: OSError | KernelError, news: News) -> None:
        self._refused[host.netns] = inode
        reason = error.strerror if isinstance(error, OSError) else error
        news.refused.append(f"no capture on {host.name}: {reason}")

    def _close(self, heard: _Heard) -> None:
        self._held += heard.ring.take(heard.points)
        self._dropped_before[heard.host.name] += heard.ring.dropped()
        self._poll.unregister(heard.ring)
        heard.ring.close()

    def _vantage(self, heard: _Heard, passage: Passage) -> CapturePoint | None:
        interface = heard.interfaces.get(passage.ifindex)
        if interface is None:
            # An interface that came after the ring.
            try:
                seen = interfaces_of(heard.host.netns)[passage.ifindex]
            except (OSError, KeyError):
                seen = InterfaceSeen(ifindex=passage.ifindex, ifname=f"if{passage.ifindex}")
            interface = self._met(heard, seen)
        if is_second_copy(interface.seen.ifname, passage.kind):
            return None
        return CapturePoint.through(interface, passage.kind)

    def _met(self, heard: _Heard, seen: InterfaceSeen) -> HeardInterface:
        interface = HeardInterface(
            number=len(self.interfaces), host=heard.host.name, netns=heard.host.netns, seen=seen
        )
        self.interfaces.append(interface)
        heard.interfaces[seen.ifindex] = interface
        for listener in self.listeners:
            listener(interface)
        return interface


class _Existing:
    """The chosen namespaces that exist, looked at anew when the directory of names changes."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._settled_ns = 0
        """When the directory last changed; 0 as long as that may not have been the last change."""
        self._inodes: dict[NetnsName, int] = {}

    def inodes(self) -> dict[NetnsName, int]:
        """Return the whole namespaces, with what tells one from a later namesake."""
        changed_ns = netns_names.NETNS.stat().st_mtime_ns
        if changed_ns == self._settled_ns:
            return self._inodes
        names = self._choice.namespaces()
        self._inodes = {name: inode for name in names if (inode := _inode(name))}
        # A name is made before its namespace is, and time stamps are coarse.
        is_whole = len(self._inodes) == len(names)
        is_past = time.clock_gettime_ns(time.CLOCK_REALTIME) - changed_ns > SETTLED_NS
        self._settled_ns = changed_ns if is_whole and is_past else 0
        return self._inodes


def _inode(name: NetnsName) -> int:
    """Return the number of a namespace; 0 when it is not whole, or no more."""
    # It may go between the two questions.
    with suppress(FileNotFoundError):
        if netns_names.is_mounted(name):
            return (netns_names.NETNS / name).stat().st_ino
    return 0


def _allow_many_files() -> None:
    """A ring is an open file, and a lab may have a thousand pods."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
