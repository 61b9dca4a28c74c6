"""Change a lab for hours, while it is called: python -m tests.reliability.churn --seconds 7200.

A step every few seconds: scale, apply, delete, roll out, flip a policy, switch kube-proxy's mode,
trace, capture, exec. Beside it a client calls the Service without a pause, through a NodePort of a
node without a pod. Every minute it is measured what the lab's processes and files have grown to.
The second half must not have more than the first.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random  # noqa: TID251 (seeded by the run)
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import psutil

from netlab.linux.netns_names import names_of
from netlab.model.names import host_netns
from netlab.model.rundir import rundir, store_file
from tests.kernel.conftest import Lab, host_network, traces
from tests.reliability.page import table, write_section

LAB: Final = f"churn{os.getpid()}"
APP: Final = "source-ip-app"
STEP_S: Final = 5.0
SAMPLE_S: Final = 60.0
GROWTH: Final = 1.1
"""A second half may have this much of the first: a tenth more is noise of the allocator."""

EXTRA: Final = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "extra"},
        "spec": {"selector": {"app": APP}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
)
TOPOLOGY: Final = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: churn}
spec: {nodes: 3, proxy: {mode: %s}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: source-ip-app}
spec:
  selector: {matchLabels: {app: source-ip-app}}
  template:
    metadata: {labels: {app: source-ip-app}}
    spec:
      containers:
        - name: echoserver
          image: registry.k8s.io/echoserver:1.4
          readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: nodeport}
spec:
  type: NodePort
  selector: {app: source-ip-app}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
"""

CALLS: Final = """
import json, sys, time, http.client
made = failed = 0
slowest = 0.0
while True:
    began = time.monotonic()
    made += 1
    try:
        connection = http.client.HTTPConnection("10.240.0.4", 30080, timeout=10)
        connection.request("GET", "/")
        failed += b"CLIENT VALUES:" not in connection.getresponse().read()
        connection.close()
    except OSError as error:
        failed += 1
        print(time.time(), repr(error), file=sys.stderr, flush=True)
    slowest = max(slowest, time.monotonic() - began)
    print(json.dumps([made, failed, slowest]), flush=True)
    time.sleep(0.2)
"""


@dataclass
class Churn:
    """A lab, and what has been done to it."""

    lab: Lab
    random: Random
    directory: Path
    steps: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    samples: list[dict[str, float]] = field(default_factory=list)

    def step(self) -> None:
        """Do one thing to the lab."""
        name = self.random.choice(sorted(STEPS))
        argv = [word.format(number=self.random.randint(1, 10)) for word in STEPS[name]]
        self.steps[name] += 1
        self.run(argv, may_fail_for="not found")
        if self.steps.total() % 12 == 0:
            self.switch_mode()

    def switch_mode(self) -> None:
        """Bring the lab to the other mode of kube-proxy."""
        mode = "nftables" if self.steps["up"] % 2 == 0 else "iptables"
        path = self.directory / f"{mode}.yaml"
        path.write_text(TOPOLOGY % mode)
        self.run(["up", str(path)])
        self.steps["up"] += 1

    def run(self, argv: list[str], may_fail_for: str = "\0") -> None:
        """Run a command, and note if it fails, or does not end in time."""
        try:
            done = self.lab.run(*argv, text=EXTRA)
        except subprocess.TimeoutExpired as error:
            self.fail(f"{argv}: {error}")
        else:
            if done.returncode != 0 and may_fail_for not in done.stderr:
                self.fail(f"{argv}: {done.returncode}: {done.stdout}{done.stderr}")

    def fail(self, what: str) -> None:
        """Take note that something went wrong, and say so."""
        self.failed.append(what)
        say(f"FAILED after {self.steps.total()} steps: {what}")

    def sample(self) -> None:
        """Measure the lab, at rest with one pod."""
        self.run(["scale", "deployment", APP, "--replicas", "1"])
        pods = rundir(self.lab.name) / "pods"
        deadline = time.monotonic() + 60
        while len(list(pods.iterdir())) > 1 and time.monotonic() < deadline:
            time.sleep(0.5)
        found = _of_processes(self.lab)
        if not found:
            self.fail(f"a process of the lab has ended: {self.lab.control_plane_log()}")
            self.switch_mode()
            return
        run = rundir(self.lab.name)
        found["directories of pods"] = len(list((run / "pods").iterdir()))
        found["files in the run directory"] = sum(1 for _ in run.rglob("*"))
        found["run directory, MB"] = _size(run) / 1e6
        found["store, MB"] = store_file(self.lab.name).stat().st_size / 1e6
        found["namespaces"] = len(names_of(self.lab.name))
        found["control groups"] = sum(
            1 for _ in Path("/sys/fs/cgroup").glob(f"*/netlab-{self.lab.name}/*/")
        )
        self.samples.append(found)
        say(json.dumps({name: round(value, 1) for name, value in found.items()}))


_AFFINITY: Final = '{{"spec":{{"sessionAffinity":"WHICH"}}}}'

STEPS: Final = {
    "scale": ("scale", "deployment", APP, "--replicas", "{number}"),
    "apply": ("apply", "-f", "-"),
    "delete": ("delete", "service", "extra"),
    "affinity": ("patch", "service", "nodeport", "-p", _AFFINITY.replace("WHICH", "ClientIP")),
    "no affinity": ("patch", "service", "nodeport", "-p", _AFFINITY.replace("WHICH", "None")),
    "rollout": (
        *("patch", "deployment", APP, "-p"),
        '{{"spec":{{"template":{{"metadata":{{"annotations":{{"n":"{number}"}}}}}}}}}}',
    ),
    "trace": ("trace", "client", "http://10.240.0.4:30080"),
    "exec": ("exec", "node1", "--", "true"),
    "status": ("status",),
    "matrix": ("matrix",),
}


def _of_processes(lab: Lab) -> dict[str, float]:
    """Return what each of a lab's processes has; nothing when one of them has ended."""
    found: dict[str, float] = {}
    try:
        for kind, pid in lab.processes().items():
            process = psutil.Process(pid)
            found[f"{kind}: memory, MB"] = process.memory_full_info().uss / 1e6
            found[f"{kind}: descriptors"] = process.num_fds()
    except psutil.NoSuchProcess:
        return {}
    return found if len(found) == 8 else {}


def _size(directory: Path) -> int:
    return sum(path.lstat().st_size for path in directory.rglob("*"))


@contextmanager
def calls(lab: Lab, directory: Path) -> Iterator[Path]:
    """Have a client call the Service; yields the file that its last line counts in."""
    path = directory / "calls"
    command = ("ip", "netns", "exec", host_netns(lab.name, "client"), sys.executable, "-c", CALLS)
    with path.open("w") as out, subprocess.Popen(command, stdout=out) as process:
        try:
            yield path
        finally:
            process.kill()


def main() -> int:
    """Churn until the time is up; return 1 if something failed or grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=7200.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="the page to write")
    asked = parser.parse_args()
    with TemporaryDirectory() as directory:
        return churn_for(asked, Path(directory))


def churn_for(asked: argparse.Namespace, directory: Path) -> int:
    """Churn as asked, with files in a directory."""
    before = host_network()
    churn = Churn(Lab(LAB), Random(asked.seed), directory)  # noqa: S311 (no secrets)
    churn.switch_mode()
    began = next_sample = time.monotonic()
    with calls(churn.lab, directory) as counts:
        while (now := time.monotonic()) < began + asked.seconds:
            if now >= next_sample:
                churn.sample()
                next_sample = now + SAMPLE_S
            churn.step()
            time.sleep(max(0.0, STEP_S - (time.monotonic() - now)))
        made, failed, slowest_s = json.loads(counts.read_text().splitlines()[-2])
    churn.run(["down"])
    left = traces({churn.lab.name}) != traces(set()) or host_network() != before
    grown = growth(churn.samples)
    say(f"{churn.steps} {made} calls, {failed} failed, slowest {slowest_s:.2f} s, grown: {grown}")
    if asked.write is not None:
        text = section(churn, (made, failed, slowest_s), grown, time.monotonic() - began)
        write_section(asked.write, "churn", text)
    return 1 if churn.failed or failed or grown or left else 0


def growth(samples: list[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Return what has grown from the third quarter to the last: medians of both, by what it is.

    The first half is a lab that fills its history and its caches.
    """
    quarter = max(1, len(samples) // 4)
    found = {}
    for name in samples[-1]:
        third, last = (
            median(one.get(name, 0) for one in part)
            for part in (samples[-2 * quarter : -quarter] or samples, samples[-quarter:])
        )
        if last > GROWTH * third + 1:
            found[name] = (third, last)
    return found


def section(
    churn: Churn,
    called: tuple[int, int, float],
    grown: dict[str, tuple[float, float]],
    took_s: float,
) -> str:
    """Return what docs/reliability.md says of it."""
    quarters = [churn.samples[len(churn.samples) * part // 4] for part in range(4)]
    rows = [
        (name, *(_number(one.get(name, 0)) for one in (*quarters, churn.samples[-1])))
        for name in churn.samples[-1]
    ]
    made, failed, slowest_s = called
    done = ", ".join(f"{count:,} of `{name}`" for name, count in sorted(churn.steps.items()))
    return f"""## Churn

A lab of three nodes was changed for {took_s / 60:.0f} minutes, {churn.steps.total():,} times:
{done};
`up` switches kube-proxy between iptables and nftables. Commands that failed: {len(churn.failed)}.
Meanwhile a client called the Service {made:,} times through the NodePort of a node: {failed} calls
failed, the slowest took {slowest_s:.2f} s. Grown in the last quarter of the time:
{", ".join(grown) or "nothing"}.

{table(("with one pod, after", "start", "1/4", "1/2", "3/4", "end"), rows)}

Memory is what a process has for itself alone (USS). Written by
`python -m tests.reliability.churn --seconds {took_s:.0f} --write docs/reliability.md`."""


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
