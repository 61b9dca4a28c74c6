"""Kill a lab's processes at random moments, a thousand times: python -m tests.reliability.kills.

A round runs a command on a lab, kills somebody at a random moment of it, up to four times
in a row, and then types ``up`` or ``down``. After ``up`` the lab must be as its topology says:
what the NodePort answers, the policies of its Services, no trace left in any host. After ``down``
nothing may be left. Each find is printed with the seed of its round.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random  # noqa: TID251 (seeded by the run)
from typing import Final

from netlab.client.api_client import Client
from netlab.kube.objects import name_of
from netlab.linux.netns import inside
from netlab.linux.netns_names import names_of
from netlab.linux.processes import control_plane, inits_of_lab
from netlab.model.names import host_netns
from netlab.model.rundir import control_socket
from tests.kernel.conftest import Lab, host_network, traces
from tests.reliability.page import table, write_section

LAB: Final = f"kills{os.getpid()}"
TOPOLOGY: Final = "source-ip"
URL: Final = "http://10.240.0.5:30080"

COMMANDS: Final = {
    "up": ("up", TOPOLOGY),
    "up of another topology": ("up", "two-nodes"),
    "reset": ("reset",),
    "apply": ("apply", "-f", "-"),
    "scale": ("scale", "deployment", "source-ip-app", "--replicas", "4"),
    "delete": ("delete", "service", "nodeport"),
    "trace": ("trace", "client", URL),
    "capture": ("capture", "--duration", "1", "-w", "/dev/null"),
    "demo": ("demo", "nodeport-local"),
    "matrix": ("matrix", "--policies"),
    "exec": ("exec", "node1", "--", "sleep", "1"),
    "status": ("status",),
    "down": ("down",),
}
"""What is under way when somebody is killed."""

OBJECT: Final = """
apiVersion: v1
kind: Service
metadata: {name: extra}
spec: {type: NodePort, selector: {app: source-ip-app}, ports: [{port: 80, targetPort: 8080}]}
"""

PATIENCE_S: Final = 120.0
NFT: Final = ("nft", "list", "tables")
SERVICES: Final = {"clusterip", "nodeport", "kubernetes"}


@dataclass
class Tally:
    """What has happened so far."""

    kills: Counter[str] = field(default_factory=Counter)
    """By victim."""
    commands: Counter[str] = field(default_factory=Counter)
    """What was under way."""
    healed: int = 0
    removed: int = 0
    heal_s: list[float] = field(default_factory=list)
    found: list[str] = field(default_factory=list)


def main() -> int:
    """Kill until there were enough kills or the time is up; return 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="kills")
    parser.add_argument("--seconds", type=float, default=86400.0, help="at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="the page to write")
    asked = parser.parse_args()
    lab, tally = Lab(LAB), Tally()
    before = host_network()
    began = time.monotonic()
    seed = asked.seed
    durations: dict[str, float] = {}
    while tally.kills.total() < asked.count and time.monotonic() - began < asked.seconds:
        try:
            kill_round(lab, Random(seed), tally, durations)  # noqa: S311 (moments, no secrets)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            tally.found.append(f"seed {seed}: {error}")
            say(f"FOUND {tally.found[-1]}")
            lab.run("down")
        kills, found = tally.kills.total(), len(tally.found)
        say(f"seed {seed}: {kills} kills, {tally.healed} healed, {found} found")
        seed += 1
    lab.run("down")
    nothing_left(lab)
    if host_network() != before:
        tally.found.append("the machine's own network is other than before")
    took = time.monotonic() - began
    say(f"{tally}")
    if asked.write is not None:
        write_section(asked.write, "kills", section(tally, asked.seed, took))
    return 1 if tally.found else 0


def kill_round(lab: Lab, random: Random, tally: Tally, durations: dict[str, float]) -> None:
    """Kill somebody in the middle of a command, once or a few times, and look at what `up` makes.

    Args:
        lab: May be up or not.
        random: Of this round.
        tally: Is added to.
        durations: How long each command took; it grows.
    """
    told: list[str] = []
    for _ in range(random.choice((1, 2, 3, 4))):
        kill_once(lab, random, tally, durations, told)
    if random.random() < 0.15:
        done = lab.run("down")
        assert done.returncode == 0, f"{told}: down: {done.stderr}"
        nothing_left(lab, told)
        tally.removed += 1
    else:
        began = time.monotonic()
        done = lab.run("up", TOPOLOGY)
        assert done.returncode == 0, f"{told}: up: {done.stdout}{done.stderr}"
        tally.heal_s.append(time.monotonic() - began)
        is_healed(lab, told)
        tally.healed += 1


def kill_once(
    lab: Lab, random: Random, tally: Tally, durations: dict[str, float], told: list[str]
) -> None:
    """Run a command, and kill somebody meanwhile; what was done is added to ``told``."""
    name = random.choice(sorted(COMMANDS)) if lab.directory().exists() else "up"
    victim = random.choice(sorted(VICTIMS))
    delay_s = random.random() * durations.get(name, 2.0)
    told.append(f"{name}: {victim} after {delay_s:.2f} s")
    began = time.monotonic()
    running = lab.start(*COMMANDS[name], stdin=name == "apply")
    if running.stdin:
        running.stdin.write(OBJECT)
        running.stdin.close()
        running.stdin = None
    try:
        running.wait(delay_s)
        durations[name] = max(0.3, time.monotonic() - began)
    except subprocess.TimeoutExpired:
        pass
    if VICTIMS[victim](lab, running, random):
        tally.kills[victim] += 1
        tally.commands[name] += 1
    try:
        output, complaints = running.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        running.kill()
        raise AssertionError(f"{told}: no end within {PATIENCE_S:g} s") from None
    assert "Traceback" not in complaints, f"{told}: {complaints}"
    assert running.returncode != 70, f"{told}: {output}{complaints}"


def is_healed(lab: Lab, told: list[str]) -> None:
    """Hold a lab against its topology."""
    client = Client(control_socket(lab.name))
    objects = client.list_("/api/v1/namespaces/default/services")
    services = {one["metadata"]["name"]: one for one in objects}
    assert set(services) - {"extra"} == SERVICES, f"{told}: {sorted(services)}"
    nodeport = services["nodeport"]["spec"]
    assert nodeport["externalTrafficPolicy"] == "Cluster", f"{told}: the policy is left"
    port = nodeport["ports"][0]["nodePort"]
    answer = answer_in(lab, "client", f"http://10.240.0.5:{port}")
    assert "CLIENT VALUES:" in answer, f"{told}: {answer!r}\n{state(client)}"
    status = client.get("/netlab/v1/status")
    assert not status["failure"], f"{told}: {status}"
    assert not status["leftOut"], f"{told}: {status}"
    pods = {name_of(one) for one in client.list_("/api/v1/namespaces/default/pods")}
    assert not {one for one in pods if one.startswith("caller-")}, f"{told}: {pods}"
    for name in names_of(lab.name):
        with inside(name):
            tables = subprocess.run(NFT, capture_output=True, text=True, check=False)
        assert "netlab_" not in tables.stdout, f"{told}: {name} has {tables.stdout}"


def answer_in(lab: Lab, host: str, url: str) -> str:
    with inside(host_netns(lab.name, host)):
        curl = ("curl", "-sS", "--max-time", "5", url)
        done = subprocess.run(curl, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr


def state(client: Client) -> str:
    """Return what may tell why a lab does not answer."""
    return "\n".join(
        json.dumps(client.get(path))
        for path in ("/api/v1/pods", "/apis/discovery.k8s.io/v1/endpointslices", "/api/v1/events")
    )


def nothing_left(lab: Lab, told: list[str] | None = None) -> None:
    """Look for anything of a lab that is down."""
    deadline = time.monotonic() + 5
    while (found := traces({lab.name})) != traces(set()) and time.monotonic() < deadline:
        time.sleep(0.05)
    found |= {
        "cgroups": {str(one) for one in Path("/sys/fs/cgroup").glob(f"**/netlab-{lab.name}*")}
    }
    assert not any(found.values()), f"{told}: {found}"


def kill_command(lab: Lab, running: subprocess.Popen[str], random: Random) -> bool:
    del lab, random
    if running.poll() is not None:
        return False
    running.kill()
    return True


def kill_control_plane(lab: Lab, running: subprocess.Popen[str], random: Random) -> bool:
    del running, random
    return killed(process.pid for process in control_plane(lab.name))


def kill_one_of_it(lab: Lab, running: subprocess.Popen[str], random: Random) -> bool:
    del running
    found = [process.pid for process in control_plane(lab.name)]
    return killed(random.sample(found, min(1, len(found))))


def kill_both(lab: Lab, running: subprocess.Popen[str], random: Random) -> bool:
    return kill_command(lab, running, random) | kill_control_plane(lab, running, random)


def kill_container(lab: Lab, running: subprocess.Popen[str], random: Random) -> bool:
    del running
    found = sorted(one.pid for one in inits_of_lab(lab.name, names_of(lab.name)))
    return killed(random.sample(found, min(1, len(found))))


def kill_everything(lab: Lab, running: subprocess.Popen[str], random: Random) -> bool:
    containers = [one.pid for one in inits_of_lab(lab.name, names_of(lab.name))]
    return kill_both(lab, running, random) | killed(containers)


VICTIMS: Final = {
    "the command": kill_command,
    "the control plane and its children": kill_control_plane,
    "one of the control plane and its children": kill_one_of_it,
    "command and control plane together": kill_both,
    "a container": kill_container,
    "everything": kill_everything,
}


def killed(pids: Iterable[int]) -> bool:
    """Kill processes; tell whether one was still there."""
    any_killed = False
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            any_killed = True
        except ProcessLookupError:
            continue
    return any_killed


def section(tally: Tally, seed: int, took_s: float) -> str:
    """Return what docs/reliability.md says of it."""
    rows = [(victim, tally.kills[victim]) for victim in VICTIMS]
    heals = sorted(tally.heal_s)
    total = tally.kills.total()
    commands = ", ".join(f"`{one}`" for one in COMMANDS)
    return f"""## Kills

{total:,} times somebody was killed with SIGKILL at a random moment of one of
{len(COMMANDS)} commands ({commands}),
up to four times in a row. `up` then healed the lab {tally.healed:,} times: the NodePort answers,
Services and policies are the topology's, no host has a trace's tables. `down` removed it
{tally.removed:,} times, with no namespace, process, mount, file or control group left. Broke a law:
{len(tally.found)}.

{table(("killed", "times"), rows)}

`up` took {heals[len(heals) // 2]:.1f} s in the middle and {heals[-1]:.1f} s at most, on a busy
machine. Written in {took_s / 60:.0f} minutes by
`python -m tests.reliability.kills --count {total} --seed {seed} --write docs/reliability.md`."""


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
