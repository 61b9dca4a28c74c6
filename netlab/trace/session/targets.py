"""What a trace calls: a URL, its name looked up among the hosts and Services of the lab."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from netlab.errors import LabError, SpecError
from netlab.kube.kinds.service.view import Service
from netlab.model.addresses import Address, Family
from netlab.model.hosts import Host
from netlab.model.packets import AddrPort
from netlab.trace.session.exchange import SCHEMES, Target

NUMBERS: Final = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
_SHORT: Final = re.compile(r"(?:([a-z]+)://)?svc/(?:([a-z0-9-]+)/)?([a-z0-9-]+)(:\d+)?")
_EXAMPLE: Final = "type, for one: sudo netlab trace client http://node1:30080"


def find_target(text: str, names: "Names") -> Target:
    """Return the target that a URL names.

    Args:
        text: ``http://node1:30080/path``, ``tcp://web:80``, ``icmp://[fd00::3]``; ``svc/web``, as
            traces call a Service ...
        names: What names mean in the lab.

    Raises:
        SpecError: It is no such URL.
        LabError: Nobody in the lab has that name.
    """
    try:
        url = urlsplit(_spelt_out(text))
        port = url.port
    except ValueError as error:
        raise SpecError(f"{text!r}: {error}", hint=_EXAMPLE) from error
    if url.scheme not in SCHEMES or not url.hostname:
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise SpecError(f"{text!r} is no target; a target begins with {known}", hint=_EXAMPLE)
    address = names.address_of(url.hostname)
    service = _service(url.hostname, names.services)
    port = port or SCHEMES[url.scheme].port or _only_port(service)
    if port is None and url.scheme != "icmp":
        raise SpecError(f"{text!r} names no port", hint=_EXAMPLE)
    return Target(
        text=text,
        scheme=url.scheme,
        name=url.hostname,
        netloc=url.netloc,
        address=AddrPort(address, 0 if url.scheme == "icmp" else port or 0),
        path=f"{url.path or '/'}{f'?{url.query}' if url.query else ''}",
    )


def _spelt_out(text: str) -> str:
    """Return a target as a URL; ``svc/web`` and ``tcp://svc/prod/web:80`` name Services."""
    found = _SHORT.fullmatch(text)
    if found is None:
        return text if "://" in text else f"http://{text}"
    scheme, space, name, port = found.groups()
    return f"{scheme or 'http'}://{name}.{space or 'default'}{port or ''}"


def with_payload(target: Target, payload: int | None) -> Target:
    """Return ``target``, to be called with so many bytes.

    Raises:
        SpecError: Its protocol sends no single datagram.
    """
    if payload is not None and target.protocol == "tcp":
        raise SpecError("--size is for udp:// and icmp://; TCP cuts its stream as it likes")
    return replace(target, payload=payload)


def find_caller(name: str, lab: str, hosts: Sequence[Host]) -> Host:
    """Return the host that users call ``name``; a prefix that fits one pod serves too.

    Raises:
        LabError: There is none; the hint has the nearest names.
    """
    exact = [host for host in hosts if host.name == name]
    fits = exact or [host for host in hosts if name and host.name.startswith(name)]
    if len(fits) == 1:
        return fits[0]
    what = (
        f"{name} fits {len(fits)} hosts" if fits else f"lab {lab} has no host {name or repr(name)}"
    )
    raise LabError(what, hint=_near(name, [host.name for host in fits or hosts]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the names of a lab mean to somebody who calls them."""

    hosts: Sequence[Host]
    services: Sequence[Service]
    asker: str
    """Who wants to know, for complaints: the caller."""
    family: Family | None = None
    """Of the addresses that are wanted; None for the first that whoever has the name has."""

    def address_of(self, name: str) -> Address:
        """Return the address of a host or a Service; an address stands for itself.

        Raises:
            LabError: Nobody in the lab has that name, and the hint has the nearest ones; or who has
                it has no address of the wanted family.
        """
        found = self._addresses(name)
        fits = [one for one in found if self.family is None or self.family.holds(one)]
        if not fits:
            has = f"it has {', '.join(map(str, found))}"
            raise LabError(f"{name} has no {self.family} address", hint=has)
        return fits[0]

    def _addresses(self, name: str) -> Sequence[Address]:
        try:
            return [ip_address(name)]
        except ValueError:
            pass  # a name
        for host in self.hosts:
            if host.name == name and host.addresses:
                return host.addresses
        service = _service(name, self.services)
        if service is not None:
            return _cluster_ips(name, service)
        fits = [host for host in self.hosts if host.name.startswith(name) and host.addresses]
        if len(fits) == 1:
            return fits[0].addresses
        known = [host.name for host in self.hosts] + [_spelt(one) for one in self.services]
        raise LabError(
            f"{self.asker} asked for {name}, and neither a host nor a Service of the lab has that"
            " name",
            hint=_near(name, known),
        )


def _spelt(service: Service) -> str:
    is_default = service.namespace == "default"
    return service.name if is_default else f"{service.name}.{service.namespace}"


def _service(name: str, services: Sequence[Service]) -> Service | None:
    """Return the Service called ``name``, ``name.namespace``, or longer, as DNS has it."""
    parts = name.split(".")
    rest = parts[2:]
    if rest and rest != ["svc", "cluster", "local"][: len(rest)]:
        return None
    wanted = parts[0], parts[1] if len(parts) > 1 else "default"
    for service in services:
        if (service.name, service.namespace) == wanted:
            return service
    return None


def _cluster_ips(name: str, service: Service) -> Sequence[Address]:
    """Return the addresses of a Service that kube-proxy has rules for.

    Raises:
        LabError: It is a name of DNS alone: an ExternalName, or headless.
    """
    if service.cluster_ips:
        return service.cluster_ips
    if service.type == "ExternalName":
        alias = f"{name} is an ExternalName Service, a DNS alias for {service.external_name}"
        raise LabError(f"{alias}: kube-proxy has no rules for it", hint="call what it stands for")
    if service.is_headless:
        dns = f"{name} is headless: DNS gives its pods' addresses"
        raise LabError(f"{dns}, and kube-proxy has no rules for it", hint="call one of its pods")
    raise LabError(f"{name} has no ClusterIP yet", hint="sudo netlab status")


def _only_port(service: Service | None) -> int | None:
    ports = service.ports if service is not None else ()
    return ports[0].port if len(ports) == 1 else None


def _near(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3) or list(names)[:8]
    return f"did you mean {', '.join(near)}?"
