"""Objects an experiment needs: made when missing, changed for its length, put back after it."""

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from netlab.client.cluster import Body, Cluster, ServicePort
from netlab.errors import LabError, NetlabError
from netlab.kube.kinds.service.load_balancer import addresses_of
from netlab.lab.experiment_marks import MERGE_PATCH, made, policy_patch, policy_restored
from netlab.linux.cleanup_process import Afterwards
from netlab.linux.timeouts import scaled
from netlab.model.addresses import Address, Family
from netlab.model.hosts import Host, HostKind
from netlab.trace.outcomes import Result
from netlab.trace.session.exchange import Call, make_calls

READY_S: Final = 20.0
"""How long objects may take to become rules and running pods."""

POLL_S: Final = 0.05

PAUSE_IMAGE: Final = "registry.k8s.io/pause:3.9"

DEPLOYMENTS: Final = "/apis/apps/v1/namespaces/default/deployments"
SERVICES: Final = "/api/v1/namespaces/default/services"
PODS: Final = "/api/v1/namespaces/default/pods"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The Deployment of a tutorial."""

    name: str
    image: str
    port: int
    """Where its containers listen."""
    label: str
    """The key of the label that its pods are chosen by; its value is the name."""
    replicas: int = 1
    echoes: bool = True
    """Whether it answers with the address that it saw."""

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its pods."""
        return {self.label: self.name}


SOURCE_IP_APP: Final = Application(
    name="source-ip-app", image="registry.k8s.io/echoserver:1.4", port=8080, label="app"
)
MY_NGINX: Final = Application(
    name="my-nginx", image="nginx", port=80, label="run", replicas=2, echoes=False
)


class Fixtures:
    """Sets up what an experiment needs and registers how to take it away again.

    Args:
        cluster: The running lab.
        undo: Runs the registered steps backwards when the experiment ends, however it ends.
        say: Takes one line of progress.
        family: That the Services must have; None for their own first family.
    """

    def __init__(
        self,
        cluster: Cluster,
        undo: ExitStack,
        say: Callable[[str], None],
        family: Family | None = None,
    ) -> None:
        self._cluster = cluster
        self._family = family
        self._undo = undo
        self._say = say
        self.put_back: list[str] = []
        """What is put back in the end, as it is then."""

    def deployment(self, application: Application) -> None:
        """Have the tutorial's Deployment."""
        name, labels = application.name, application.labels
        container = {
            "name": name,
            "image": application.image,
            "ports": [{"containerPort": application.port}],
        }
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "replicas": application.replicas,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        }
        if self._missing(DEPLOYMENTS, name):
            self._await_ending_pods(application)
            self._make(DEPLOYMENTS, body)

    def _await_ending_pods(self, application: Application) -> None:
        """Wait until the pods of an experiment before are gone.

        Under policy Local a node whose only pod is terminating sends callers there all the same.
        """
        deadline = time.monotonic() + scaled(READY_S)
        while any(
            pod["metadata"].get("deletionTimestamp")
            for pod in self._cluster.objects.get(PODS)["items"]
            if application.labels.items() <= pod["metadata"].get("labels", {}).items()
        ):
            if time.monotonic() > deadline:
                raise LabError(
                    f"pods of {application.name} are still ending after {READY_S:g} s",
                    hint=f"netlab get pods -l {application.label}={application.name}",
                )
            time.sleep(POLL_S)

    def service(
        self, name: str, application: Application, type_: str, balancer: str | None = None
    ) -> None:
        """Have the Service that ``kubectl expose deployment`` would make.

        Raises:
            LabError: It is there, and has not the family that it must have.
        """
        body = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "labels": application.labels},
            "spec": {
                "type": type_,
                "selector": application.labels,
                "ports": [{"port": 80, "protocol": "TCP", "targetPort": application.port}],
                **({"ipFamilies": [self._family]} if self._family else {}),
                **({"loadBalancerClass": balancer} if balancer else {}),
            },
        }
        if self._missing(SERVICES, name):
            self._make(SERVICES, body)
        has = self._cluster.objects.get(f"{SERVICES}/{name}")["spec"].get("ipFamilies") or []
        if self._family and self._family not in has:
            patch = '{"spec":{"ipFamilyPolicy":"PreferDualStack"}}'
            raise LabError(
                f"Service {name} has no {self._family} address",
                hint=f"netlab patch svc {name} -p '{patch}', then run the demo again",
            )

    def policy(self, name: str, wanted: str) -> None:
        """Give a Service an externalTrafficPolicy; afterwards it has its own again."""
        path = f"{SERVICES}/{name}"
        spec = self._cluster.objects.get(path)["spec"]
        if spec["type"] not in {"NodePort", "LoadBalancer"}:
            raise LabError(
                f"Service {name} is of type {spec['type']}; the experiment needs a NodePort",
                hint=f"netlab delete service {name}, then run the demo again",
            )
        had = spec.get("externalTrafficPolicy", "Cluster")
        if had != wanted:
            # First the way back: an interrupt may come while the request is under way, and who is
            # killed can do nothing any more.
            self._undo.callback(Afterwards(lambda: self._restore_policy(path, had)).close)
            self._undo.callback(self._set_policy, path, had, policy_restored(had))
            self.put_back.append(f"externalTrafficPolicy of Service {name} is {had} again")
            self._set_policy(path, wanted, policy_patch(wanted, had))

    def caller_pod(self, node: str) -> str:
        """Have a pod on ``node`` to call from; return its name."""
        name = f"caller-{node}"[:63].rstrip("-")
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {
                "nodeName": node,
                "terminationGracePeriodSeconds": 0,
                "containers": [{"name": "caller", "image": PAUSE_IMAGE}],
            },
        }
        if self._missing(PODS, name):
            self._make(PODS, body)
        return name

    def pod_host(self, name: str) -> Host:
        """Wait until a pod runs; return it as a host.

        Raises:
            LabError: It did not run in time.
        """

        def running() -> Host | None:
            phase = self._cluster.objects.get(f"{PODS}/{name}").get("status", {}).get("phase")
            pods = self._cluster.hosts(HostKind.POD)
            return next((p for p in pods if p.name == name and phase == "Running"), None)

        return _wait(running, f"pod {name} does not run", f"sudo netlab get pods {name} -o wide")

    def settled(self, name: str) -> ServicePort:
        """Wait until the Service has a ready endpoint and the rules of every node follow it.

        Raises:
            LabError: They did not in time.
        """
        hint = f"sudo netlab get pods; sudo netlab get endpointslices  (of Service {name})"

        def ready() -> ServicePort | None:
            port = self._port(name)
            return port if port.backends else None

        _wait(ready, f"Service {name} has no ready endpoint", hint)

        wait_until_settled(self._cluster)
        return self._port(name)

    def external_address(self, port: ServicePort) -> Address:
        """Wait until the Service has an external address of its family, and return it.

        Raises:
            LabError: It got none in time.
        """

        def found() -> list[Address] | None:
            service = self._cluster.objects.get(f"{SERVICES}/{port.name}")
            return [one for one in addresses_of(service) if port.family.holds(one)] or None

        complaint = f"Service {port.name} has no external address"
        return _wait(found, complaint, f"sudo netlab get events  (of Service {port.name})")[0]

    def answered(self, call: Call) -> None:
        """Wait until a call is answered: a balancer sends to nodes when it knows them healthy.

        Raises:
            LabError: It was not in time.
        """

        def answer() -> bool | None:
            [outcome] = make_calls([call], timeout_s=scaled(1.0))
            return True if outcome.result is Result.ANSWERED else None

        _wait(answer, f"{call.target.text} does not answer", "sudo netlab status")

    def _port(self, name: str) -> ServicePort:
        for port in self._cluster.service_ports(family=self._family):
            if (port.namespace, port.name) == ("default", name):
                return port
        raise LabError(f"Service {name} has no ClusterIP and TCP port to call")

    def _missing(self, collection: str, name: str) -> bool:
        items = self._cluster.objects.get(collection)["items"]
        return all(item["metadata"]["name"] != name for item in items)

    def _make(self, collection: str, body: Body) -> None:
        name = body["metadata"]["name"]
        self._undo.callback(self._remove, collection, name, body["kind"])
        self.put_back.append(f"{body['kind']} {name} is gone")
        self._say(f"create {body['kind']} {name}")
        self._cluster.objects.create(collection, made(body))

    def _remove(self, collection: str, name: str, kind: str) -> None:
        # An interrupt may have come before the object was made.
        if not self._missing(collection, name):
            self._say(f"delete {kind} {name}")
            self._cluster.objects.delete(f"{collection}/{name}")
            # A pod is gone only when its processes are.
            _wait(
                lambda: self._missing(collection, name) or None,
                f"{kind} {name} is not gone",
                "sudo netlab get all",
            )

    def _restore_policy(self, path: str, policy: str) -> None:
        """Put a policy back without a word, if that is still to be done."""
        with suppress(NetlabError):
            if self._cluster.objects.get(path)["spec"].get("externalTrafficPolicy") != policy:
                self._cluster.objects.patch(path, policy_restored(policy), MERGE_PATCH)

    def _set_policy(self, path: str, policy: str, patch: Body) -> None:
        self._say(f"set externalTrafficPolicy of Service {path.rpartition('/')[2]} to {policy}")
        self._cluster.objects.patch(path, patch, MERGE_PATCH)


def wait_until_settled(cluster: Cluster) -> None:
    """Wait until the rules of every node follow the objects.

    Raises:
        LabError: They did not in time.
    """
    deadline = time.monotonic() + scaled(READY_S)
    while not (status := cluster.objects.get("/netlab/v1/settled"))["settled"]:
        if time.monotonic() > deadline:
            why = f": {status['failure']}" if status.get("failure") else ""
            raise LabError(
                f"the nodes' rules do not follow the objects after {scaled(READY_S):g} s{why}",
                hint="sudo netlab status",
            )


def _wait(ready: Callable[[], T | None], complaint: str, hint: str) -> T:
    deadline = time.monotonic() + scaled(READY_S)
    while (value := ready()) is None:
        if time.monotonic() > deadline:
            raise LabError(f"{complaint} after {scaled(READY_S):g} s", hint=hint)
        time.sleep(POLL_S)
    return value
