"""Fields of workloads that say how many, how long and what of old times is kept."""

from functools import partial

import pytest

from netlab.kube.defaults import with_defaults
from netlab.kube.kinds.pod.status import Exit, container_exited
from netlab.kube.objects import Object, is_terminating, name_of, spec_of, with_spec
from tests.unit.controllers.cluster import Cluster, deployment
from tests.unit.controllers.test_workloads import cronjob, end, image, job, workload


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=3)


def available(cluster: Cluster, kind: str) -> int:
    status = cluster.list(kind)[0]["status"]
    found: int = status.get("availableReplicas") or status.get("numberAvailable") or 0
    return found


@pytest.mark.parametrize(
    ("kind", "obj"),
    [
        ("deployments", deployment(1, minReadySeconds=30)),
        ("replicasets", workload("ReplicaSet", replicas=1, minReadySeconds=30)),
        ("statefulsets", workload("StatefulSet", replicas=1, serviceName="w", minReadySeconds=30)),
        ("daemonsets", workload("DaemonSet", minReadySeconds=30)),
    ],
)
def test_a_pod_counts_when_it_has_been_ready_for_so_long(cluster: Cluster, kind: str, obj: Object):
    cluster.create(obj)
    cluster.start_pods()
    assert available(cluster, kind) == 0
    cluster.run(31)
    assert available(cluster, kind) > 0


@pytest.mark.parametrize(
    ("kind", "obj", "history"),
    [
        ("deployments", deployment(1, revisionHistoryLimit=1), "replicasets"),
        (
            "statefulsets",
            workload("StatefulSet", replicas=1, serviceName="w", revisionHistoryLimit=1),
            "controllerrevisions",
        ),
        ("daemonsets", workload("DaemonSet", revisionHistoryLimit=1), "controllerrevisions"),
    ],
)
def test_of_old_templates_so_many_are_kept(cluster: Cluster, kind: str, obj: Object, history: str):
    cluster.create(obj)
    for number in range(4):
        cluster.change(kind, "web", partial(with_image, name=f"echo:{number}"))
        for _ in range(8):
            cluster.start_pods()
    assert len(cluster.list(history)) == 2


def with_image(obj: Object, name: str) -> Object:
    template = spec_of(obj)["template"]
    containers = [{"name": "c", "image": name}]
    return with_defaults(with_spec(obj, template={**template, "spec": {"containers": containers}}))


def test_a_paused_deployment_changes_no_pod(cluster: Cluster):
    cluster.create(deployment(2, paused=True))
    cluster.start_pods()
    before = [name_of(one) for one in cluster.pods]
    cluster.change("deployments", "web", partial(with_image, name="echo:2"))
    cluster.start_pods()
    assert [name_of(one) for one in cluster.pods] == before
    cluster.change("deployments", "web", lambda one: with_spec(one, paused=False))
    for _ in range(8):
        cluster.start_pods()
    assert {one["spec"]["containers"][0]["image"] for one in cluster.pods} == {"echo:2"}


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_with_on_delete_a_pod_keeps_its_template_until_it_is_deleted(cluster: Cluster, kind: str):
    more = {"replicas": 1, "serviceName": "w"} if kind == "StatefulSet" else {}
    cluster.create(workload(kind, updateStrategy={"type": "OnDelete"}, **more))
    cluster.start_pods()
    cluster.change(f"{kind.lower()}s", "web", image)
    cluster.start_pods()
    assert {one["spec"]["containers"][0]["image"] for one in cluster.pods} == {"echo:1"}


def test_a_statefulset_counts_from_where_it_says_and_updates_from_a_partition_on(cluster: Cluster):
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 6}}
    spec = {"replicas": 2, "serviceName": "w", "ordinals": {"start": 5}}
    cluster.create(workload("StatefulSet", updateStrategy=strategy, **spec))
    for _ in range(3):
        cluster.start_pods()
    cluster.change("statefulsets", "web", image)
    for _ in range(6):
        cluster.start_pods()
    images = {name_of(one): one["spec"]["containers"][0]["image"] for one in cluster.pods}
    assert images == {"web-5": "echo:1", "web-6": "echo:2"}


def test_an_index_that_fails_too_often_fails_alone(cluster: Cluster):
    indexed = {"completions": 2, "parallelism": 2, "completionMode": "Indexed"}
    cluster.create(job(backoffLimitPerIndex=0, **indexed))
    cluster.start_pods()
    first, second = cluster.pods
    cluster.store.update(container_exited(first, "c", Exit(code=1), cluster.now))
    cluster.store.update(container_exited(second, "c", Exit(code=0), cluster.now))
    cluster.run(60)
    status = cluster.list("jobs")[0]["status"]
    assert (status["failedIndexes"], status["completedIndexes"]) == ("0", "1")
    assert status["conditions"][-1]["reason"] == "FailedIndexes"


@pytest.mark.parametrize("limit", [1, 2, "100%"])
def test_a_daemonset_replaces_as_many_as_may_miss(cluster: Cluster, limit: int | str):
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": limit}}
    cluster.create(workload("DaemonSet", updateStrategy=strategy))
    cluster.start_pods()
    cluster.change("daemonsets", "web", image)
    wanted = 3 if limit == "100%" else limit
    assert sum(map(is_terminating, cluster.pods)) == wanted


def test_of_a_cronjobs_failed_jobs_so_many_are_kept(cluster: Cluster):
    template = with_spec(job(), backoffLimit=0)["spec"]
    spec = {"template": template["template"], "backoffLimit": 0}
    cluster.create(cronjob(failedJobsHistoryLimit=1, jobTemplate={"spec": spec}))
    for _ in range(3):
        cluster.run(300)
        cluster.start_pods()
        end(cluster, 1)
        cluster.run(1)
    failed = [one for one in cluster.list("jobs") if one["status"].get("failed")]
    assert len(failed) == 1


@pytest.mark.parametrize(("deadline", "jobs"), [(10, 0), (400, 1)])
def test_a_cronjob_that_is_too_late_waits_for_the_next_time(
    cluster: Cluster, deadline: int, jobs: int
):
    cluster.create(cronjob(startingDeadlineSeconds=deadline))
    now = int(cluster.now)
    cluster.run(300 - now % 300 + 60)
    assert len(cluster.list("jobs")) == jobs


def test_a_cronjobs_hours_are_those_of_its_time_zone(cluster: Cluster):
    """It is eight in the morning of 15 January 2027 in London then, and nine in Berlin."""
    cluster.create(cronjob(schedule="5 9 * * *", timeZone="Europe/Berlin"))
    cluster.run(600)
    assert len(cluster.list("jobs")) == 1
    assert cluster.now == 1_800_000_600.0
