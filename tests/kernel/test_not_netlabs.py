"""What somebody else did to a node is said, with the command that takes it back."""

import shlex

from tests.kernel.conftest import SUDO, Lab

DONE_BY_HAND = {
    "node1": [
        "iptables -P FORWARD DROP",
        "iptables -A INPUT -p tcp --dport 22 -j DROP",
        "iptables -t nat -N MINE",
        "ip route add 9.9.9.0/24 via 10.240.0.1",
        "ip route add blackhole 8.8.8.8",
    ],
    "router": ["nft add table inet mine"],
}
HOOKED = "nft add chain inet mine c { type filter hook forward priority 0 ; }"


def _do(lab: Lab, commands: dict[str, list[str]]) -> None:
    for host, some in commands.items():
        for command in some:
            done = lab.inside(host, *shlex.split(command))
            assert done.returncode == 0, done.stderr


def test_a_lab_that_nobody_touched_holds_nothing_foreign(lab: Lab):
    lab.up()
    assert lab.status()["foreign"] == []


def test_each_thing_done_by_hand_is_named_and_its_command_takes_it_back(lab: Lab):
    lab.up()
    _do(lab, DONE_BY_HAND | {"router": [*DONE_BY_HAND["router"], HOOKED]})
    found = lab.status()["foreign"]
    assert sorted(f"{one['host']} {one['what']}" for one in found) == [
        "node1 filter: -A INPUT -p tcp -m tcp --dport 22 -j DROP",
        "node1 filter: -P FORWARD DROP",
        "node1 nat: :MINE -",
        "node1 route 9.9.9.0/24 via 10.240.0.1 dev eth0",
        "node1 route blackhole 8.8.8.8",
        "router table inet mine",
    ]
    again = lab.run("up")
    assert again.stderr.count(f"{SUDO}netlab exec --lab") == len(found)
    for one in found:
        assert one["remove"].startswith(f"{SUDO}netlab ")
        arguments = shlex.split(one["remove"].removeprefix(f"{SUDO}netlab "))
        done = lab.run(*arguments)
        assert done.returncode == 0, done.stderr
    assert lab.status()["foreign"] == []


def test_what_is_missing_is_named_and_up_lays_it_again(lab: Lab):
    lab.up()
    _do(lab, {"node1": ["ip route del 10.244.2.0/24"]})
    (found,) = lab.status()["foreign"]
    assert found["what"] == "missing: route 10.244.2.0/24"
    assert found["remove"] == f"{SUDO}netlab up --lab {lab.name}"
    assert lab.run("up").returncode == 0
    assert lab.status()["foreign"] == []


def test_reset_builds_the_lab_anew_from_its_own_topology(lab: Lab):
    lab.up("two-nodes")
    _do(lab, {"node1": DONE_BY_HAND["node1"]})
    assert lab.run("delete", "svc", "web").returncode == 0
    done = lab.run("reset")
    assert done.returncode == 0, done.stderr
    assert "(two-nodes) is up and answers" in done.stdout
    assert lab.status()["foreign"] == []
    assert [one["metadata"]["name"] for one in lab.get("svc")["items"]] == ["kubernetes", "web"]


def test_reset_of_a_lab_that_is_not_there_says_so(lab: Lab):
    done = lab.run("reset")
    assert done.returncode == 6
    assert f"there is no lab {lab.name}" in done.stderr


def test_a_policy_and_a_table_of_somebody_elses_are_differences(lab: Lab):
    lab.up()
    _do(lab, {"node1": ["iptables -P FORWARD DROP", "nft add table inet mine", HOOKED]})
    done = lab.run("rules", "node1", "--diff")
    assert done.returncode == 1
    assert "- -P FORWARD ACCEPT\n+ -P FORWARD DROP" in done.stdout
    assert "+ table inet mine" in done.stdout
