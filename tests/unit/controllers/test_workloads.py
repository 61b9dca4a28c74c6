"""DaemonSets, StatefulSets, Jobs, budgets and what each namespace has, as a cluster treats them."""

import pytest

from netlab.controllers.job_status import finished_at
from netlab.kube.kinds.pod.status import Exit, container_exited
from netlab.kube.objects import (
    Key,
    Object,
    annotations_of,
    is_terminating,
    labels_of,
    name_of,
    spec_of,
    with_metadata,
    with_spec,
)
from netlab.kube.resources import key_of
from tests.unit.controllers.cluster import Cluster, deployment, node

TEMPLATE: Object = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "image": "echo:1"}]},
}


def workload(kind: str, **spec: object) -> Object:
    return {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE, **spec},
    }


def job(**spec: object) -> Object:
    template = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
    return workload("Job", **{"template": template, **spec})


def image(obj: Object) -> Object:
    container = {"name": "c", "image": "echo:2"}
    template = {**spec_of(obj)["template"], "spec": {"containers": [container]}}
    return with_spec(obj, template=template)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=3)


def told(cluster: Cluster, kind: str) -> list[tuple[str, str]]:
    return sorted(
        (one["reason"], one["message"])
        for one in cluster.list("events")
        if one["involvedObject"]["kind"] == kind
    )


def end(cluster: Cluster, exit_code: int, count: int = 1):
    """Have some of the running pods' containers end."""
    running = [one for one in cluster.pods if one["status"]["phase"] == "Running"]
    for one in running[:count]:
        cluster.store.update(container_exited(one, "c", Exit(code=exit_code), cluster.now))
    cluster.run()


def test_a_daemonset_has_a_pod_on_every_node(cluster: Cluster):
    cluster.create(workload("DaemonSet"))
    cluster.start_pods()
    assert sorted(one["spec"]["nodeName"] for one in cluster.pods) == ["node1", "node2", "node3"]
    (daemonset,) = cluster.list("daemonsets")
    assert daemonset["status"] == {
        "currentNumberScheduled": 3,
        "desiredNumberScheduled": 3,
        "numberMisscheduled": 0,
        "numberReady": 3,
        "observedGeneration": 1,
        "updatedNumberScheduled": 3,
        "numberAvailable": 3,
    }
    cluster.store.create(node(4))
    cluster.run()
    assert len(cluster.pods) == 4


def test_a_daemonset_heeds_taints_and_selectors_but_no_cordon(cluster: Cluster):
    tainted = {"key": "gpu", "effect": "NoSchedule"}
    cluster.store.update(
        with_spec(cluster.store.require(Key("nodes", "", "node1")), taints=[tainted])
    )
    cordoned = cluster.store.require(Key("nodes", "", "node2"))
    cluster.store.update(with_spec(cordoned, unschedulable=True))
    cluster.create(workload("DaemonSet"))
    assert sorted(one["spec"]["nodeName"] for one in cluster.pods) == ["node2", "node3"]


def test_a_daemonset_replaces_its_pods_one_by_one(cluster: Cluster):
    cluster.create(workload("DaemonSet"))
    cluster.start_pods()
    cluster.change("daemonsets", "web", image)
    assert sum(map(is_terminating, cluster.pods)) == 1
    for _ in range(8):
        cluster.start_pods()
        assert sum(one["status"]["phase"] == "Running" for one in cluster.pods) >= 2
    assert {one["spec"]["containers"][0]["image"] for one in cluster.pods} == {"echo:2"}
    revisions = {one["revision"] for one in cluster.list("controllerrevisions")}
    assert revisions == {1, 2}


def test_a_statefulset_starts_its_pods_one_after_the_other(cluster: Cluster):
    cluster.create(workload("StatefulSet", replicas=3, serviceName="web"))
    seen = []
    for _ in range(4):
        seen.append([name_of(one) for one in cluster.pods])
        cluster.start_pods()
    assert seen == [["web-0"], ["web-0", "web-1"], ["web-0", "web-1", "web-2"], seen[2]]
    (first, *_) = cluster.pods
    assert (spec_of(first)["hostname"], spec_of(first)["subdomain"]) == ("web-0", "web")
    assert labels_of(first)["apps.kubernetes.io/pod-index"] == "0"
    (statefulset,) = cluster.list("statefulsets")
    assert statefulset["status"]["readyReplicas"] == 3
    assert ("SuccessfulCreate", "create Pod web-1 in StatefulSet web successful") in told(
        cluster, "StatefulSet"
    )


def test_a_statefulset_gives_up_its_last_pod_first_and_updates_backwards(cluster: Cluster):
    cluster.create(workload("StatefulSet", replicas=3, serviceName="web"))
    for _ in range(3):
        cluster.start_pods()
    cluster.change("statefulsets", "web", lambda one: with_spec(one, replicas=2))
    assert [name_of(one) for one in cluster.pods if is_terminating(one)] == ["web-2"]
    cluster.start_pods()
    cluster.change("statefulsets", "web", image)
    assert [name_of(one) for one in cluster.pods if is_terminating(one)] == ["web-1"]
    for _ in range(6):
        cluster.start_pods()
    assert [spec_of(one)["containers"][0]["image"] for one in cluster.pods] == ["echo:2"] * 2
    status = cluster.list("statefulsets")[0]["status"]
    assert status["currentRevision"] == status["updateRevision"]


def test_a_parallel_statefulset_waits_for_nothing(cluster: Cluster):
    cluster.create(workload("StatefulSet", replicas=3, podManagementPolicy="Parallel"))
    assert len(cluster.pods) == 3


def test_a_statefulset_makes_a_claim_for_each_pod(cluster: Cluster):
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    cluster.create(workload("StatefulSet", replicas=1, volumeClaimTemplates=[claim]))
    assert [name_of(one) for one in cluster.list("persistentvolumeclaims")] == ["data-web-0"]
    (volume,) = spec_of(cluster.pods[0])["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": "data-web-0"}


def test_a_job_runs_until_enough_have_succeeded(cluster: Cluster):
    cluster.create(job(completions=3, parallelism=2))
    cluster.start_pods()
    assert cluster.list("jobs")[0]["status"]["active"] == 2
    for _ in range(3):
        end(cluster, 0)
        cluster.start_pods()
    (done,) = cluster.list("jobs")
    assert done["status"]["succeeded"] == 3
    assert [one["type"] for one in done["status"]["conditions"]] == [
        "SuccessCriteriaMet",
        "Complete",
    ]
    assert "completionTime" in done["status"]
    assert len(cluster.pods) == 3
    assert ("Completed", "Job completed") in told(cluster, "Job")


def test_a_job_whose_pods_fail_waits_longer_each_time_and_gives_up(cluster: Cluster):
    cluster.create(job(completions=1, parallelism=1, backoffLimit=1))
    cluster.start_pods()
    end(cluster, 1)
    assert len(cluster.pods) == 1
    cluster.run(11)
    assert len(cluster.pods) == 2
    cluster.start_pods()
    end(cluster, 1)
    (failed,) = cluster.list("jobs")
    assert failed["status"]["failed"] == 2
    assert failed["status"]["conditions"][-1]["reason"] == "BackoffLimitExceeded"
    cluster.run(1000)
    assert len(cluster.pods) == 2


def test_an_indexed_job_runs_each_number_once(cluster: Cluster):
    cluster.create(job(completions=3, parallelism=2, completionMode="Indexed"))
    index = "batch.kubernetes.io/job-completion-index"
    assert sorted(annotations_of(one)[index] for one in cluster.pods) == ["0", "1"]
    for _ in range(3):
        cluster.start_pods()
        end(cluster, 0, 2)
    assert sorted(annotations_of(one)[index] for one in cluster.pods) == ["0", "1", "2"]
    assert cluster.list("jobs")[0]["status"]["completedIndexes"] == "0-2"


def test_a_suspended_job_has_no_pods_and_a_finished_one_goes_after_a_while(cluster: Cluster):
    cluster.create(job(completions=1, parallelism=1, suspend=True, ttlSecondsAfterFinished=60))
    assert cluster.pods == []
    cluster.change("jobs", "web", lambda one: with_spec(one, suspend=False))
    cluster.start_pods()
    end(cluster, 0)
    assert finished_at(cluster.list("jobs")[0]) is not None
    cluster.run(61)
    assert cluster.list("jobs") == []
    assert cluster.pods == []


def test_a_job_that_takes_too_long_fails(cluster: Cluster):
    cluster.create(job(completions=1, parallelism=1, activeDeadlineSeconds=30))
    cluster.start_pods()
    cluster.run(31)
    cluster.start_pods()
    (failed,) = cluster.list("jobs")
    assert failed["status"]["conditions"][-1]["reason"] == "DeadlineExceeded"
    assert cluster.pods == []


@pytest.mark.parametrize(
    ("spec", "allowed"),
    [({"minAvailable": 2}, 1), ({"maxUnavailable": 1}, 1), ({"minAvailable": "100%"}, 0)],
)
def test_a_budget_tells_how_many_pods_may_go(cluster: Cluster, spec: Object, allowed: int):
    cluster.create(deployment(3))
    cluster.start_pods()
    selector = {"matchLabels": {"app": "web"}}
    cluster.create(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"selector": selector, **spec},
        }
    )
    status = cluster.list("poddisruptionbudgets")[0]["status"]
    assert (status["expectedPods"], status["currentHealthy"]) == (3, 3)
    assert status["disruptionsAllowed"] == allowed


def test_every_namespace_has_a_service_account_and_the_apis_certificate(cluster: Cluster):
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}})
    accounts = {key_of(one).namespace for one in cluster.store.list_("serviceaccounts")}
    assert accounts == {"default", "kube-system", "kube-public", "kube-node-lease", "prod"}
    cluster.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "extension-apiserver-authentication",
                "namespace": "kube-system",
            },
            "data": {"client-ca-file": "PEM"},
        }
    )
    published = Key("configmaps", "prod", "kube-root-ca.crt")
    assert cluster.store.require(published)["data"] == {"ca.crt": "PEM"}
    cluster.store.remove(published)
    cluster.run()
    assert cluster.store.require(published)["data"] == {"ca.crt": "PEM"}


def test_a_deployments_story_is_told_in_events(cluster: Cluster):
    cluster.create(deployment(2))
    cluster.start_pods()
    cluster.change(
        "deployments",
        "web",
        lambda one: with_metadata(
            with_spec(one, replicas=1), annotations={"kubernetes.io/change-cause": "less"}
        ),
    )
    (replicaset,) = cluster.list("replicasets")
    assert annotations_of(replicaset)["kubernetes.io/change-cause"] == "less"
    name = name_of(replicaset)
    assert told(cluster, "Deployment") == [
        ("ScalingReplicaSet", f"Scaled down replica set {name} from 2 to 1"),
        ("ScalingReplicaSet", f"Scaled up replica set {name} from 0 to 2"),
    ]
    reasons = [reason for reason, _ in told(cluster, "ReplicaSet")]
    assert reasons == ["SuccessfulCreate", "SuccessfulCreate", "SuccessfulDelete"]


def cronjob(**spec: object) -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "tick", "namespace": "default"},
        "spec": {
            "schedule": "*/5 * * * *",
            "jobTemplate": {"spec": {"template": job()["spec"]["template"]}},
            **spec,
        },
    }


def test_a_cronjob_makes_a_job_when_it_is_due_and_forgets_old_ones(cluster: Cluster):
    cluster.create(cronjob(successfulJobsHistoryLimit=1))
    assert cluster.list("jobs") == []
    names = []
    for _ in range(3):
        cluster.run(300)
        cluster.start_pods()
        names.append([name_of(one) for one in cluster.list("jobs")])
        end(cluster, 0)
    assert [len(one) for one in names] == [1, 2, 2]
    minutes = int(cluster.now) // 60
    assert names[-1][-1] == f"tick-{minutes - minutes % 5}"
    (tick,) = cluster.list("cronjobs")
    assert "active" not in tick["status"]
    assert tick["status"]["lastSuccessfulTime"] >= tick["status"]["lastScheduleTime"]


@pytest.mark.parametrize(("policy", "jobs"), [("Allow", 2), ("Forbid", 1), ("Replace", 1)])
def test_a_cronjob_whose_job_still_runs(cluster: Cluster, policy: str, jobs: int):
    cluster.create(cronjob(concurrencyPolicy=policy))
    for _ in range(2):
        cluster.run(300)
        cluster.start_pods()
    assert len(cluster.list("jobs")) == jobs


def test_a_suspended_cronjob_makes_nothing(cluster: Cluster):
    cluster.create(cronjob(suspend=True))
    cluster.run(900)
    assert cluster.list("jobs") == []
