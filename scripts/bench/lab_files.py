"""Topologies of any size, as the text of a topology file."""

APP = """---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
      - name: echo
        image: registry.k8s.io/echoserver:1.4
        ports: [{{containerPort: 8080}}]
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{app: {name}}}
  ports: [{{port: 80, targetPort: 8080}}]
"""


def topology(*, nodes: int, pods: int, services: int) -> str:
    """Return ``services`` Deployments of echo servers, with a Service before each of them."""
    if pods % services:
        raise ValueError(f"{pods} pods do not divide by {services} Services")
    head = f"apiVersion: netlab/v1\nkind: Topology\nspec: {{nodes: {nodes}, clients: 1}}\n"
    apps = (APP.format(name=f"app-{i}", replicas=pods // services) for i in range(services))
    return head + "".join(apps)
