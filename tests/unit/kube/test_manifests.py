import pytest
import yaml

from netlab.errors import SpecError
from netlab.kube.kinds.kind import ClusterContext
from netlab.kube.manifests import check_object, parse_manifests

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
CONTAINER = {"name": "web", "image": "nginx"}

RIGHT = {
    "a pod with what people put into pods": """
apiVersion: v1
kind: Pod
metadata: {name: web.example, labels: {app: web}, annotations: {a/b: any text}}
spec:
  restartPolicy: Never
  nodeName: node1
  initContainers: [{name: init, image: busybox, command: [sh, -c, "true"]}]
  containers:
    - name: web
      image: nginx
      resources: {limits: {cpu: 0.5, memory: 64Mi}}
      readinessProbe: {httpGet: {path: /, port: http}}
      ports: [{name: http, containerPort: 80, protocol: TCP}]
""",
    "a Deployment that selects by expression": """
apiVersion: apps/v1
kind: Deployment
metadata: {generateName: web-}
spec:
  selector:
    matchExpressions:
      - {key: app, operator: In, values: [web, api]}
      - {key: old, operator: DoesNotExist}
      - {key: app, operator: Exists}
      - {key: tier, operator: NotIn, values: [back]}
  template:
    metadata: {labels: {app: web}}
    spec: {restartPolicy: Always, containers: [{name: web, image: nginx}]}
""",
    "a NodePort Service under policy Local": """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  externalTrafficPolicy: Local
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 10800}}
  ports:
    - {name: http, port: 80, targetPort: http, nodePort: 30080}
    - {name: dns, port: 80, protocol: UDP, nodePort: 30080}
""",
    "a headless Service without ports": """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}}
""",
    "fields that are null are not there": """
apiVersion: v1
kind: Service
metadata: {name: web, creationTimestamp: null, labels: null}
spec: {type: null, clusterIP: null, ports: [{port: 80, targetPort: null}]}
status: {loadBalancer: {}}
""",
    "endpoints by hand": """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1}
addressType: IPv4
endpoints: [{addresses: [10.1.2.3], conditions: {ready: true}}]
ports: [{port: 80}]
""",
    "the older endpoints by hand": """
apiVersion: v1
kind: Endpoints
metadata: {name: web}
subsets: [{addresses: [{ip: 10.1.2.3}], ports: [{port: 80}]}]
""",
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_takes_as_it_is(text: str):
    assert parse_manifests(text, "").manifests == (yaml.safe_load(text),)


def test_a_list_stands_for_its_items_in_order():
    text = """
apiVersion: v1
kind: Namespace
metadata: {name: a}
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Namespace, metadata: {name: b}}
  - {apiVersion: v1, kind: Namespace, metadata: {name: c}}
"""
    names = [manifest["metadata"]["name"] for manifest in parse_manifests(text, "").manifests]
    assert names == ["a", "b", "c"]


def test_the_same_name_in_two_namespaces_is_two_objects():
    text = """
{apiVersion: v1, kind: Service, metadata: {name: a, namespace: x}, spec: {ports: [{port: 1}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 1}]}}
"""
    assert len(parse_manifests(text, "").manifests) == 2


OTHERS = """
apiVersion: v1
kind: NodeList
items: [{metadata: {name: n1}}, {metadata: {name: n2}}]
---
apiVersion: v1
kind: Namespace
metadata: {name: a}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: a}
spec: {selector: {}}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: a}
spec: {template: {}}
"""


def test_what_a_lab_has_no_use_for_is_left_out_with_a_line_a_kind():
    file = parse_manifests(OTHERS, "")
    assert [one["kind"] for one in file.manifests] == ["Namespace"]
    assert file.left_out == (
        "2 objects of kind Node (v1) left out: nodes come from the topology",
        (
            "1 object of kind ServiceMonitor (monitoring.coreos.com/v1) left out: "
            "a lab has no such objects"
        ),
        "1 object of kind Service (serving.knative.dev/v1) left out: a lab has no such objects",
    )


def test_strict_refuses_what_a_lab_has_no_use_for():
    with pytest.raises(SpecError) as refused:
        parse_manifests(OTHERS, "f", is_strict=True)
    told = str(refused.value)
    assert "kind: nodes come from the topology (list them in its spec.nodes)" in told
    assert "f:11: kind: netlab has no objects of kind ServiceMonitor" in told


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("apiVersion: v1\nkind: Sevice", 'did you mean "Service"?'),
        ("apiVersion: apps/v1beta1\nkind: Deployment", "write apps/v1"),
        ("kind: Gateway", "apiVersion: Required value"),
    ],
)
def test_a_mistake_is_no_object_of_somebody_elses(head: str, told: str):
    with pytest.raises(SpecError) as refused:
        parse_manifests(f"{head}\nmetadata: {{name: a}}", "")
    assert told in str(refused.value)


def test_an_empty_file_holds_nothing_to_apply():
    with pytest.raises(SpecError, match=r"x\.yaml: the file is empty"):
        parse_manifests("# nothing\n", "x.yaml")


def test_an_object_of_the_api_is_refused_in_the_same_words():
    spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 70}]}
    (problem,) = check_object({**SERVICE, "spec": spec})
    assert (problem.line, problem.path) == (None, "spec.ports[0].nodePort")
    assert problem.message == (
        "Invalid value: 70: provided port is not in the valid range. "
        "The range of valid ports is 30000-32767"
    )


def test_an_object_of_the_api_tells_each_problem_once():
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
    }
    assert [str(one) for one in check_object(deployment)] == ["spec.template: Required value"]


def test_the_api_may_hold_nodes():
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}, "spec": {}}
    assert check_object(node) == []


def test_an_object_must_fit_what_is_around_it():
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"nodeName": "node9", "containers": [CONTAINER]},
    }
    assert check_object(pod) == []
    assert len(check_object(pod, ClusterContext(nodes=("node1",)))) == 1
