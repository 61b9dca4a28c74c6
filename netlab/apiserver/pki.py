"""The files of a lab's certificates and keys, called as kubeadm calls them.

``up`` makes them, while the control plane that will read them starts: loading the library that
makes certificates takes longer than making them, and the control plane has no other use for it. A
control plane that finds none makes its own. Each file comes whole or not at all, and a directory
that two processes fill at once has the files of one of them.
"""

import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

from netlab.linux import atomic_files

USER: Final = "kubernetes-admin"

LOCAL_NAMES: Final = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
"""By these, and by 127.0.0.1 and ::1, every lab's server is reached."""

_NAMES_FILE: Final = "apiserver.names"
"""What the server's certificate is for, one a line."""
_SERVICE_ACCOUNT_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Pki:
    """Where the files are."""

    directory: Path

    @property
    def authority(self) -> Path:
        """The authority's certificate, which clients trust."""
        return self.directory / "ca.crt"

    @property
    def server(self) -> Path:
        """The server's certificate and its key, in one file."""
        return self.directory / "apiserver.pem"

    @property
    def admin_certificate(self) -> Path:
        """The certificate of the lab's user."""
        return self.directory / "admin.crt"

    @property
    def admin_key(self) -> Path:
        """Its key."""
        return self.directory / "admin.key"


def ensure(
    directory: Path, addresses: Sequence[IPv4Address | IPv6Address], lab: str, now: float
) -> Pki:
    """Make what is missing, and a server certificate that covers ``addresses``.

    Args:
        directory: Made if it is missing; its parent exists.
        addresses: At which the server is reached, besides those of loopback.
        lab: Its name goes into the authority's.
        now: Wall clock seconds.

    Raises:
        OSError: A file cannot be written.
    """
    if not directory.exists():
        _make(directory, lab, now)
    pki = Pki(directory)
    loopback = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
    all_addresses = [*loopback, *sorted(set(addresses) - set(loopback), key=str)]
    wanted = "".join(f"{name}\n" for name in (*LOCAL_NAMES, *all_addresses))
    names = directory / _NAMES_FILE
    if not names.exists() or names.read_text() != wanted:
        _sign_server(pki, all_addresses, now)
        _write(names, wanted.encode())
    return pki


def service_account_key(path: Path) -> bytes:
    """Return the secret in a file; make both when there is none.

    Raises:
        OSError: The file cannot be read or written.
    """
    if not path.exists():
        _write(path, secrets.token_bytes(_SERVICE_ACCOUNT_KEY_BYTES))
    return path.read_bytes()


def _make(directory: Path, lab: str, now: float) -> None:
    from netlab.apiserver import certificates  # noqa: PLC0415 (see above: 50 ms)

    authority = certificates.make_authority(f"netlab {lab}", now)
    admin = certificates.sign_client(authority, USER, certificates.ADMINISTRATORS, now)
    new = directory.with_name(f"{directory.name}.{os.getpid()}")
    new.mkdir(mode=0o700)
    made = Pki(new)
    _write(made.authority, authority.certificate)
    _write(new / "ca.key", authority.key)
    _write(made.admin_certificate, admin.certificate)
    _write(made.admin_key, admin.key)
    try:
        new.rename(directory)
    except OSError:
        # Another process was first.
        shutil.rmtree(new)
        if not directory.exists():
            raise


def _sign_server(pki: Pki, addresses: Sequence[IPv4Address | IPv6Address], now: float) -> None:
    from netlab.apiserver import certificates  # noqa: PLC0415 (see above: 50 ms)

    authority = certificates.Certificate(
        pki.authority.read_bytes(), (pki.directory / "ca.key").read_bytes()
    )
    server = certificates.sign_server(authority, LOCAL_NAMES, addresses, now)
    # One file holds both, so that no reader finds the key of another certificate.
    _write(pki.server, server.certificate + server.key)


def _write(path: Path, content: bytes) -> None:
    atomic_files.write_file(path, content, mode=0o600)
