"""The commands of agnhost, in one table."""

import argparse
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from netlab.workloads.agnhost import connect, netexec, porter, serve_hostname

Command = Callable[[Callable[[], None], Sequence[str]], None]


def run_command(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Run a command of agnhost's, and end the process with its exit code.

    Args:
        ready: Called once a server listens, or before anything else runs.
        argv: The command and its arguments, as the container has them; ``pause`` when empty, as
            the image has it.

    Raises:
        SystemExit: In the end; with 1 for a command that agnhost has not.
    """
    name, arguments = (argv[0], argv[1:]) if argv else ("pause", ())
    command = COMMANDS.get(name)
    if command is None:
        ready()
        known = ", ".join(COMMANDS)
        print(f'Error: unknown command "{name}" for "app"; netlab has {known}', flush=True)  # noqa: T201
        raise SystemExit(1)
    try:
        command(ready, arguments)
    except OSError as error:
        print(f"{name}: {error}", flush=True)  # noqa: T201 (the container's log)
        raise SystemExit(1) from error
    raise SystemExit


def _pause(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Wait for a signal and end well, as the image's Dockerfile has it by default."""
    del argv
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    ready()
    print("Paused", flush=True)  # noqa: T201
    while True:
        signal.pause()


def _end(number: int, frame: object) -> None:
    del number, frame
    raise SystemExit


def _dns_suffix(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Print the search domains of /etc/resolv.conf."""
    del argv
    ready()
    lines = Path("/etc/resolv.conf").read_text().splitlines()
    domains = [line.split()[1:] for line in lines if line.startswith("search")]
    print(",".join(domains[-1] if domains else []), flush=True)  # noqa: T201


def _dns_server_list(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Print the name servers of /etc/resolv.conf."""
    del argv
    ready()
    words = [line.split() for line in Path("/etc/resolv.conf").read_text().splitlines()]
    print(",".join(one[1] for one in words if one[:1] == ["nameserver"]), flush=True)  # noqa: T201


def _etc_hosts(ready: Callable[[], None], argv: Sequence[str]) -> None:
    del argv
    ready()
    print(Path("/etc/hosts").read_text(), flush=True)  # noqa: T201


def _nslookup(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Print the addresses of names, through the resolver of the C library."""
    ready()
    for name in argv:
        found = {str(one[4][0]) for one in socket.getaddrinfo(name, None)}
        print(*sorted(found), flush=True)  # noqa: T201


def _logs_generator(ready: Callable[[], None], argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser("logs-generator")
    parser.add_argument("--log-lines-total", type=int, default=int(os.environ.get("LINES", "0")))
    parser.add_argument("--run-duration", default="0s")
    options = parser.parse_args(argv)
    ready()
    total = options.log_lines_total
    pause_s = netexec.go_duration(options.run_duration) / max(total, 1)
    for number in range(total):
        print(f"{number} GET /api/v1/namespaces/default/pods/pod-{number} 200", flush=True)  # noqa: T201
        time.sleep(pause_s)


COMMANDS: Final[Mapping[str, Command]] = {
    "connect": connect.run,
    "dns-server-list": _dns_server_list,
    "dns-suffix": _dns_suffix,
    "etc-hosts": _etc_hosts,
    "logs-generator": _logs_generator,
    "netexec": netexec.run,
    "nslookup": _nslookup,
    "pause": _pause,
    "porter": porter.run,
    "serve-hostname": serve_hostname.run,
}
