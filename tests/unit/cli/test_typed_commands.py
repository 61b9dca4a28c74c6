import pytest

from netlab.cli.typed_commands import as_typed

TEXT = "type: sudo netlab up, sudo k8s-netlab down, export KUBECONFIG=$(sudo netlab kubeconfig)"


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        pytest.param(False, TEXT, id="root's lab"),
        pytest.param(
            True,
            "type: netlab up, k8s-netlab down, export KUBECONFIG=$(netlab kubeconfig)",
            id="an ordinary user's",
        ),
    ],
)
def test_commands_are_shown_as_they_are_typed(
    monkeypatch: pytest.MonkeyPatch, shown: str, *, own: bool
):
    monkeypatch.setattr("netlab.rootless.enter.has_own_labs", lambda: own)
    assert as_typed(TEXT) == shown


def test_no_other_program_loses_its_sudo(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("netlab.rootless.enter.has_own_labs", lambda: True)
    assert as_typed("sudo sysctl -w a=1; sudo modprobe veth") == (
        "sudo sysctl -w a=1; sudo modprobe veth"
    )


def test_ip_netns_is_run_where_its_names_are_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("netlab.rootless.enter.has_own_labs", lambda: True)
    assert as_typed("sudo ip netns exec netlab-default-default.web-1 tcpdump -ni any") == (
        "netlab exec router -- ip netns exec netlab-default-default.web-1 tcpdump -ni any"
    )
    assert as_typed("ip netns exec netlab-x-node1 ss -ltn") == (
        "netlab exec --lab x router -- ip netns exec netlab-x-node1 ss -ltn"
    )
