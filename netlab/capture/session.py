"""``netlab capture``: from what was asked for to a recording."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from netlab.capture.annotation import Annotation
from netlab.capture.frame_comments import Naming
from netlab.capture.live_lines import LiveLines
from netlab.capture.outputs import FileEach, Heading, OneFile, Output
from netlab.capture.points import Choice
from netlab.capture.recording import Limits, Listener, Recording, Tally
from netlab.capture.rings import CaptureRings
from netlab.client.address_names import address_names
from netlab.client.api_client import Client
from netlab.client.cluster import Cluster
from netlab.client.hosts import hosts
from netlab.errors import NetlabError
from netlab.model.rundir import control_socket


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRequest:
    """What to capture, and where to put it."""

    choice: Choice
    expression: str
    program: bytes
    """The expression, compiled."""
    command: str
    """As the user typed it."""
    file: str = ""
    """``-`` for standard output; empty for none."""
    directory: str = ""
    numeric: bool = False
    line_width: int | None = None
    """Columns of the terminal that shows the packets; None where it is none."""
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """A capture that has ended."""

    tally: Tally
    files_in_directory: int


def capture(
    request: CaptureRequest, listener: Listener, write: Callable[[str], object] | None
) -> Captured:
    """Capture until the end.

    Args:
        request: What and where to.
        listener: Who wants it.
        write: Takes a line a packet; None for no lines.

    Raises:
        HostError: A file cannot be written, or takes no more.
        LabError: There is nothing to hear.
    """
    rings = CaptureRings(request.choice, request.program)
    annotation = Annotation(rings.interfaces)
    heading = Heading(comments=(request.command,), expression=request.expression)
    one = OneFile(request.file, heading, annotation) if request.file else None
    each = FileEach(Path(request.directory), heading, annotation) if request.directory else None
    lines = LiveLines(write, annotation, request.line_width) if write else None
    outputs: list[Output] = [output for output in (one, each, lines) if output is not None]
    names = _Names(request, annotation, listener.say)
    tally = Recording(rings, outputs, names.read, request.limits, listener).run()
    return Captured(tally=tally, files_in_directory=len(each.files) if each else 0)


class _Names:
    """What addresses are called, as long as the control plane answers."""

    def __init__(
        self, request: CaptureRequest, annotation: Annotation, say: Callable[[str], None]
    ) -> None:
        self._lab = request.choice.lab
        self._numeric = request.numeric
        self._annotation = annotation
        self._say = say

    def read(self) -> Mapping[str, str]:
        """Return the names, and have the words beside frames use them."""
        client = Client(control_socket(self._lab))
        cluster = Cluster(lab=self._lab, objects=client, read_hosts=lambda: hosts(self._lab))
        try:
            names = address_names(cluster, cluster.read_hosts(), cluster.services())
        except NetlabError as error:
            self._say(f"addresses stay without names: {error}")
            return {}
        if not self._numeric:
            self._annotation.naming = Naming(names)
        return names


def tcpdump_lines(choice: Choice, expression: str) -> list[str]:
    """Return the commands that show the same by tcpdump, one a host and interface."""
    lines = []
    for name in choice.namespaces():
        for ifname in sorted(choice.ifnames.get(name, ())) or ["any"]:
            command = ["ip", "netns", "exec", name, "tcpdump", "-ni", ifname]
            lines.append(shlex.join([*command, expression] if expression else command))
    return lines
