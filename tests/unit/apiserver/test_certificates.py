"""What the API server shows, and what its clients show to it."""

import ssl
import time
from ipaddress import ip_address
from pathlib import Path

import pytest

from netlab.apiserver import certificates, pki, secure_serving

NOW = float(int(time.time()))  # noqa: TID251 (TLS compares with the clock)
ADDRESSES = (ip_address("10.240.0.1"), ip_address("10.0.0.1"))


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Let both ends speak through memory; return the server's."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    ends = [theirs, ours]
    for _ in range(10):
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                continue
    assert ends == []
    return ours


@pytest.fixture
def made(tmp_path: Path) -> pki.Pki:
    return pki.ensure(tmp_path / "pki", ADDRESSES, "default", NOW)


def client_context(made: pki.Pki) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(made.authority))
    # Newer versions of Python ask more of a certificate than the default of older ones.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.mark.parametrize("name", [*pki.LOCAL_NAMES, "127.0.0.1", "::1", "10.0.0.1", "10.240.0.1"])
def test_the_server_is_trusted_by_each_of_its_names(made: pki.Pki, name: str):
    handshake(secure_serving.tls_context(made), client_context(made), name)


@pytest.mark.parametrize("name", ["example.com", "10.0.0.2"])
def test_the_server_is_not_trusted_by_another_name(made: pki.Pki, name: str):
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(secure_serving.tls_context(made), client_context(made), name)


def test_a_client_shows_who_it_is(made: pki.Pki):
    client = client_context(made)
    client.load_cert_chain(made.admin_certificate, made.admin_key)
    shown = handshake(secure_serving.tls_context(made), client, "localhost").getpeercert()
    assert shown
    assert shown["subject"] == (
        (("organizationName", "system:masters"),),
        (("commonName", "kubernetes-admin"),),
    )


def test_a_client_of_another_authority_is_turned_away(made: pki.Pki, tmp_path: Path):
    other = pki.ensure(tmp_path / "other", (), "other", NOW)
    client = client_context(made)
    client.load_cert_chain(other.admin_certificate, other.admin_key)
    with pytest.raises(ssl.SSLError, match=r"unknown ca|certificate verify failed"):
        handshake(secure_serving.tls_context(made), client, "localhost")


def test_files_are_for_root_alone(made: pki.Pki):
    assert made.directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in made.directory.iterdir()} == {0o600}


def test_what_is_there_stays_and_new_addresses_get_a_new_server_certificate(made: pki.Pki):
    before = {path.name: path.read_bytes() for path in made.directory.iterdir()}
    pki.ensure(made.directory, ADDRESSES, "default", NOW + 1)
    assert {path.name: path.read_bytes() for path in made.directory.iterdir()} == before
    pki.ensure(made.directory, (ip_address("10.9.0.1"),), "default", NOW + 2)
    changed = {p.name for p in made.directory.iterdir() if p.read_bytes() != before[p.name]}
    assert changed == {"apiserver.pem", "apiserver.names"}
    handshake(secure_serving.tls_context(made), client_context(made), "10.9.0.1")


def test_a_directory_without_the_server_certificate_gets_one(made: pki.Pki):
    (made.directory / "apiserver.names").unlink()
    made.server.unlink()
    pki.ensure(made.directory, ADDRESSES, "default", NOW)
    handshake(secure_serving.tls_context(made), client_context(made), "localhost")


def test_the_key_of_service_accounts_is_made_once(tmp_path: Path):
    key = pki.service_account_key(tmp_path / "sa.key")
    assert len(key) == 32
    assert pki.service_account_key(tmp_path / "sa.key") == key


def test_a_port_is_kept_and_given_up_when_it_is_taken(tmp_path: Path):
    port_file = tmp_path / "port"
    with secure_serving.listen_on_loopback(port_file) as first:
        port = first.getsockname()[1]
        with secure_serving.listen_on_loopback(port_file) as second:
            other = second.getsockname()[1]
            assert other != port
    with secure_serving.listen_on_loopback(port_file) as again:
        assert again.getsockname()[1] == other


def test_certificates_are_valid_from_the_hour_before():
    from cryptography import x509

    authority = certificates.make_authority("netlab", NOW)
    found = x509.load_pem_x509_certificate(authority.certificate)
    assert found.not_valid_before_utc.timestamp() == NOW - 3600
