"""Who asks: the user that a request's certificate or token stands for, or a refusal.

There are two kinds of users. The lab's own has a client certificate, signed by the lab's authority;
pods have tokens of their service accounts. Whoever is known may do everything: a lab has no
authorization of its own. Nobody is anonymous, and pages of browsers are kept out twice over: they
have no certificate, and requests that name another host or origin are refused before that matters.

Source: kubernetes.io/docs/reference/access-authn-authz/authentication.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from netlab.apiserver.pki import LOCAL_NAMES
from netlab.apiserver.tokens import ServiceAccountToken
from netlab.kube.status import StatusError

PeerCertificate = Mapping[str, Any]
"""What ``ssl.SSLSocket.getpeercert`` returns; it has been verified."""


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    groups: tuple[str, ...]


ROOT: Final = User("root", ("system:masters", "system:authenticated"))
"""Who speaks through the lab's Unix socket, which only root can reach."""


def check_addressed(host: str, origin: str) -> None:
    """Refuse a request that a page of a browser makes.

    Args:
        host: The header ``Host``. A name that was made to resolve to loopback is none of ours.
        origin: The header ``Origin``; empty when there is none, as kubectl has it.

    Raises:
        StatusError: The request is forbidden.
    """
    name = urlsplit(f"//{host}").hostname or ""
    if name not in LOCAL_NAMES and not _is_address(name):
        raise _forbidden(f"host {host!r} is none of this server's names")
    if origin and urlsplit(origin).netloc != host:
        raise _forbidden(f"origin {origin!r} may not use this server")


def authenticate(
    certificate: PeerCertificate | None,
    authorization: str,
    read_token: Callable[[str], ServiceAccountToken | None],
) -> User:
    """Return the user of a request.

    Args:
        certificate: The client's, or None.
        authorization: The header ``Authorization``; empty when there is none.
        read_token: Returns what a valid token says, and None for any other.

    Raises:
        StatusError: There is no certificate, and no valid token.
    """
    if authorization:
        scheme, _, text = authorization.partition(" ")
        token = read_token(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise unauthorized()
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{token.namespace}")
        return User(token.username, (*groups, "system:authenticated"))
    if certificate:
        return _user_of(certificate)
    raise unauthorized()


def unauthorized() -> StatusError:
    """Return the refusal of somebody who is not known."""
    return StatusError("Unauthorized", code=401, reason="Unauthorized")


def _user_of(certificate: PeerCertificate) -> User:
    names = [pair for part in certificate.get("subject", ()) for pair in part]
    user = next((value for key, value in names if key == "commonName"), "")
    groups = tuple(value for key, value in names if key == "organizationName")
    return User(user, (*groups, "system:authenticated"))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _forbidden(why: str) -> StatusError:
    return StatusError(f"forbidden: {why}", code=403, reason="Forbidden")
