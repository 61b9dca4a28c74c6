from pathlib import Path

import pytest

from netlab.cli.typed_commands import as_typed

TEXT = "type: sudo netlab up, sudo k8s-netlab down, export KUBECONFIG=$(sudo netlab kubeconfig)"


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        pytest.param(None, TEXT, id="root's lab"),
        pytest.param(
            Path("/run/user/1000/netlab"),
            "type: netlab up, k8s-netlab down, export KUBECONFIG=$(netlab kubeconfig)",
            id="an ordinary user's",
        ),
    ],
)
def test_commands_are_shown_as_they_are_typed(
    monkeypatch: pytest.MonkeyPatch, own: Path | None, shown: str
):
    monkeypatch.setattr("netlab.rootless.home.runtime_directory", lambda: own)
    assert as_typed(TEXT) == shown


def test_no_other_program_loses_its_sudo(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("netlab.rootless.home.runtime_directory", lambda: Path("/own"))
    assert as_typed("sudo sysctl -w a=1; sudo modprobe veth") == (
        "sudo sysctl -w a=1; sudo modprobe veth"
    )
