"""Which test shows that a lab acts on which field: by file and test, then by definition.

A field that is neither here nor in ``netlab.kube.ignored_fields`` fails ``test_ignored_fields.py``,
and so does a test that is not there, or whose file does not name the field.
"""

from collections.abc import Mapping
from typing import Final

PROOFS: Final[Mapping[str, Mapping[str, str]]] = {
    "kernel/test_fields.py::test_the_environment_is_what_env_and_envFrom_say": {
        "ConfigMap": "data",
        "ConfigMapEnvSource": "name optional",
        "ConfigMapKeySelector": "key name optional",
        "Container": "args command env envFrom image name resources",
        "EnvFromSource": "configMapRef prefix secretRef",
        "EnvVar": "name value valueFrom",
        "EnvVarSource": "configMapKeyRef fieldRef resourceFieldRef",
        "ObjectFieldSelector": "apiVersion fieldPath",
        "PodSpec": "containers enableServiceLinks",
        "ResourceFieldSelector": "containerName divisor resource",
        "ResourceRequirements": "limits",
        "Secret": "data stringData type",
        "SecretEnvSource": "name optional",
        "SecretKeySelector": "optional",
    },
    "kernel/test_fields.py::test_files_of_volumes_are_those_that_are_chosen_with_their_modes": {
        "ConfigMap": "binaryData",
        "ConfigMapProjection": "items name optional",
        "ConfigMapVolumeSource": "defaultMode name optional",
        "DownwardAPIProjection": "items",
        "DownwardAPIVolumeFile": "fieldRef mode path resourceFieldRef",
        "DownwardAPIVolumeSource": "defaultMode items",
        "KeyToPath": "key mode path",
        "PodSpec": "volumes",
        "ProjectedVolumeSource": "defaultMode sources",
        "SecretProjection": "items name optional",
        "SecretVolumeSource": "defaultMode items optional secretName",
        "ServiceAccountTokenProjection": "path",
        "Volume": "configMap downwardAPI name projected secret",
        "VolumeProjection": "configMap downwardAPI secret serviceAccountToken",
    },
    "unit/kubelet/test_volumes.py::test_keys_may_be_chosen_and_renamed": {
        "ConfigMapVolumeSource": "items",
    },
    "unit/kubelet/test_volumes.py::test_a_projected_volume_joins_several": {
        "ServiceAccountTokenProjection": "expirationSeconds",
    },
    "kernel/test_fields.py::test_an_empty_directory_has_its_size_and_a_mount_may_be_read_only": {
        "Container": "volumeMounts",
        "EmptyDirVolumeSource": "sizeLimit",
        "PodSpec": "initContainers",
        "Volume": "emptyDir",
        "VolumeMount": "mountPath name readOnly subPath",
    },
    "kernel/test_fields.py::test_names_and_resolvers_are_those_of_the_pod": {
        "HostAlias": "hostnames ip",
        "PodDNSConfig": "nameservers options searches",
        "PodDNSConfigOption": "name value",
        "PodSpec": "dnsConfig dnsPolicy hostAliases hostname subdomain",
    },
    "kernel/test_fields.py::test_a_container_runs_where_and_as_whom_it_says": {
        "Capabilities": "add",
        "Container": "securityContext workingDir",
        "PodSecurityContext": "fsGroup runAsGroup runAsNonRoot runAsUser supplementalGroups",
        "PodSpec": "securityContext",
        "SecurityContext": "capabilities privileged runAsGroup runAsUser",
    },
    "kernel/test_pod_life.py::test_a_container_runs_as_whom_it_says": {
        "Capabilities": "drop",
        "SecurityContext": "readOnlyRootFilesystem",
    },
    "unit/kubelet/test_security.py::test_what_would_lead_out_of_the_pod_is_refused": {
        "SecurityContext": "runAsNonRoot",
    },
    "kernel/test_fields.py::test_a_token_is_mounted_unless_pod_or_account_forbid_it": {
        "PodSpec": "automountServiceAccountToken serviceAccountName",
        "ServiceAccount": "automountServiceAccountToken",
    },
    "kernel/test_fields.py::test_a_pod_whose_time_is_over_fails": {
        "PodSpec": "activeDeadlineSeconds",
    },
    "kernel/test_fields.py::test_a_pod_of_another_scheduler_or_behind_a_gate_has_no_node": {
        "PodSchedulingGate": "name",
        "PodSpec": "schedulerName schedulingGates",
    },
    "kernel/test_fields.py::"
    "test_a_pod_behind_a_readiness_gate_is_not_ready_and_serves_where_that_is_asked_for": {
        "PodReadinessGate": "conditionType",
        "PodSpec": "readinessGates",
        "ServiceSpec": "publishNotReadyAddresses",
    },
    "kernel/test_fields.py::test_probes_and_hooks_ask_what_they_say": {
        "Container": "livenessProbe readinessProbe",
        "HTTPGetAction": "host httpHeaders path port scheme",
        "HTTPHeader": "name value",
        "Lifecycle": "postStart",
        "LifecycleHandler": "httpGet tcpSocket",
        "Probe": "failureThreshold httpGet periodSeconds tcpSocket",
        "TCPSocketAction": "host port",
    },
    "unit/kubelet/test_probes.py::"
    "test_a_probe_begins_after_its_delay_and_is_repeated_each_period": {
        "Probe": "initialDelaySeconds",
    },
    "unit/kubelet/test_probes.py::test_it_takes_so_many_successes_as_are_asked_for": {
        "Probe": "successThreshold",
    },
    "unit/kubelet/test_probes.py::test_numbers_that_are_said_are_heeded": {
        "Probe": "terminationGracePeriodSeconds timeoutSeconds",
    },
    "kernel/test_fields.py::test_a_pod_ends_after_its_hook_and_within_its_time": {
        "Lifecycle": "preStop",
        "LifecycleHandler": "sleep",
        "PodSpec": "terminationGracePeriodSeconds",
        "SleepAction": "seconds",
    },
    "kernel/test_fields.py::test_an_input_that_is_read_once_ends_with_its_first_writer": {
        "Container": "stdin stdinOnce",
        "PodSpec": "restartPolicy",
    },
    "kernel/test_grpc_probes.py::test_a_pod_is_ready_while_the_service_serves": {
        "GRPCAction": "port service",
        "Probe": "grpc",
    },
    "kernel/test_pod_life.py::test_init_containers_probes_and_volumes": {
        "Container": "lifecycle restartPolicy startupProbe",
        "EnvVarSource": "secretKeyRef",
        "ExecAction": "command",
        "LifecycleHandler": "exec",
        "Probe": "exec",
        "SecretKeySelector": "key name",
    },
    "kernel/test_pod_life.py::test_the_status_of_a_container_that_has_ended_has_its_last_words": {
        "Container": "terminationMessagePath terminationMessagePolicy",
    },
    "kernel/test_pod_life.py::test_pods_that_are_deleted_while_they_start_hurt_nobody": {
        "Container": "tty",
    },
    "kernel/test_pod_life.py::test_a_pod_in_the_nodes_network_is_the_node": {
        "PodSpec": "hostNetwork nodeName",
    },
    "kernel/test_host_ports.py::test_a_host_port_leads_to_the_pod": {
        "ContainerPort": "containerPort hostPort",
    },
    "unit/cni/test_portmap.py::"
    "test_a_host_ip_narrows_it_and_ports_past_fifteen_have_another_rule": {
        "ContainerPort": "hostIP",
    },
    "unit/controllers/endpointslice/test_slices.py::test_a_named_port_is_looked_up_in_each_pod": {
        "Container": "ports",
        "ContainerPort": "name",
    },
    "scenarios/test_debug.py::test_an_ephemeral_container_sees_the_processes_of_its_target": {
        "EphemeralContainer": "targetContainerName",
    },
    "scenarios/test_debug.py::test_a_node_is_looked_at_from_a_pod_in_its_network": {
        "HostPathVolumeSource": "path",
        "Volume": "hostPath",
    },
    "unit/kubelet/test_lifecycle.py::test_an_ephemeral_container_starts_once": {
        "PodSpec": "ephemeralContainers",
    },
    "unit/scheduler/test_schedule.py::test_a_pod_goes_to": {
        "Affinity": "nodeAffinity podAffinity podAntiAffinity",
        "ContainerPort": "protocol",
        "NodeAffinity": "preferredDuringSchedulingIgnoredDuringExecution"
        " requiredDuringSchedulingIgnoredDuringExecution",
        "NodeSelector": "nodeSelectorTerms",
        "NodeSelectorRequirement": "key operator values",
        "NodeSelectorTerm": "matchExpressions matchFields",
        "PodAffinity": "preferredDuringSchedulingIgnoredDuringExecution"
        " requiredDuringSchedulingIgnoredDuringExecution",
        "PodAffinityTerm": "labelSelector matchLabelKeys mismatchLabelKeys namespaceSelector"
        " namespaces topologyKey",
        "PodAntiAffinity": "preferredDuringSchedulingIgnoredDuringExecution"
        " requiredDuringSchedulingIgnoredDuringExecution",
        "PodSpec": "affinity nodeSelector topologySpreadConstraints",
        "PreferredSchedulingTerm": "preference weight",
        "ResourceRequirements": "requests",
        "TopologySpreadConstraint": "labelSelector matchLabelKeys maxSkew nodeAffinityPolicy"
        " topologyKey whenUnsatisfiable",
        "WeightedPodAffinityTerm": "podAffinityTerm weight",
    },
    "unit/scheduler/test_schedule.py::"
    "test_pods_may_ask_to_be_spread_over_more_nodes_than_there_are": {
        "TopologySpreadConstraint": "minDomains",
    },
    "unit/scheduler/test_schedule.py::"
    "test_a_tainted_node_counts_where_pods_are_spread_unless_taints_are_honoured": {
        "TopologySpreadConstraint": "nodeTaintsPolicy",
    },
    "unit/scheduler/test_schedule.py::test_a_pod_that_goes_nowhere_is_told_why": {
        "NodeSpec": "taints unschedulable",
    },
    "unit/scheduler/test_schedule.py::test_a_taint_that_is_tolerated_keeps_nobody_away": {
        "PodSpec": "tolerations",
        "Taint": "effect key value",
        "Toleration": "effect key operator value",
    },
    "unit/scheduler/test_schedule.py::test_a_pod_of_higher_priority_chooses_first": {
        "PodSpec": "priority",
    },
    "unit/controllers/test_taint_eviction.py::test_a_pod_stays_as_long_as_it_tolerates": {
        "Toleration": "tolerationSeconds",
    },
    "unit/controllers/test_taint_eviction.py::test_when_a_taint_was_added_is_written_down_first": {
        "Taint": "timeAdded",
    },
    "unit/kubelet/test_node_status.py::test_a_node_is_what_the_topology_says": {
        "NodeSpec": "podCIDR",
    },
    "unit/kube/kinds/test_views.py::test_a_node_has_addresses_and_gateways": {
        "NodeSpec": "podCIDRs",
    },
    "unit/apiserver/test_server.py::test_what_is_said_to_be_immutable_keeps_its_data": {
        "ConfigMap": "immutable",
        "Secret": "immutable",
    },
    "unit/apiserver/registry/test_eviction.py::test_a_pod_may_be_evicted": {
        "PodDisruptionBudgetSpec": "maxUnavailable minAvailable selector"
        " unhealthyPodEvictionPolicy",
    },
    "unit/controllers/test_reconcile.py::"
    "test_a_deployment_becomes_pods_on_all_nodes_with_addresses": {
        "DeploymentSpec": "replicas selector template",
        "PodTemplateSpec": "metadata spec",
    },
    "unit/controllers/test_reconcile.py::"
    "test_recreate_starts_new_pods_when_the_old_ones_are_gone": {
        "DeploymentSpec": "strategy",
        "DeploymentStrategy": "type",
    },
    "unit/controllers/test_replicaset.py::test_limits": {
        "DeploymentStrategy": "rollingUpdate",
        "RollingUpdateDeployment": "maxSurge maxUnavailable",
    },
    "unit/controllers/test_reconcile.py::test_a_rollout_that_stands_still_exceeds_its_deadline": {
        "DeploymentSpec": "progressDeadlineSeconds",
    },
    "unit/controllers/test_workload_fields.py::"
    "test_a_pod_counts_when_it_has_been_ready_for_so_long": {
        "DaemonSetSpec": "minReadySeconds",
        "DeploymentSpec": "minReadySeconds",
        "ReplicaSetSpec": "minReadySeconds replicas",
        "StatefulSetSpec": "minReadySeconds replicas",
    },
    "unit/controllers/test_workload_fields.py::test_of_old_templates_so_many_are_kept": {
        "DaemonSetSpec": "revisionHistoryLimit",
        "DeploymentSpec": "revisionHistoryLimit",
        "StatefulSetSpec": "revisionHistoryLimit",
    },
    "unit/controllers/test_workload_fields.py::test_a_paused_deployment_changes_no_pod": {
        "DeploymentSpec": "paused",
    },
    "unit/controllers/test_workload_fields.py::"
    "test_with_on_delete_a_pod_keeps_its_template_until_it_is_deleted": {
        "DaemonSetSpec": "updateStrategy",
        "DaemonSetUpdateStrategy": "type",
        "StatefulSetSpec": "updateStrategy",
        "StatefulSetUpdateStrategy": "type",
    },
    "unit/controllers/test_workload_fields.py::"
    "test_a_statefulset_counts_from_where_it_says_and_updates_from_a_partition_on": {
        "RollingUpdateStatefulSetStrategy": "partition",
        "StatefulSetOrdinals": "start",
        "StatefulSetSpec": "ordinals",
        "StatefulSetUpdateStrategy": "rollingUpdate",
    },
    "unit/controllers/test_workload_fields.py::test_a_daemonset_replaces_as_many_as_may_miss": {
        "DaemonSetUpdateStrategy": "rollingUpdate",
        "RollingUpdateDaemonSet": "maxUnavailable",
    },
    "unit/controllers/test_workload_fields.py::test_an_index_that_fails_too_often_fails_alone": {
        "JobSpec": "backoffLimitPerIndex",
    },
    "unit/controllers/test_workload_fields.py::test_of_a_cronjobs_failed_jobs_so_many_are_kept": {
        "CronJobSpec": "failedJobsHistoryLimit jobTemplate",
        "JobTemplateSpec": "spec",
    },
    "unit/controllers/test_workload_fields.py::"
    "test_a_cronjob_that_is_too_late_waits_for_the_next_time": {
        "CronJobSpec": "startingDeadlineSeconds",
    },
    "unit/controllers/test_workload_fields.py::test_a_cronjobs_hours_are_those_of_its_time_zone": {
        "CronJobSpec": "schedule timeZone",
    },
    "unit/controllers/test_workloads.py::"
    "test_a_cronjob_makes_a_job_when_it_is_due_and_forgets_old_ones": {
        "CronJobSpec": "successfulJobsHistoryLimit",
    },
    "unit/controllers/test_workloads.py::test_a_cronjob_whose_job_still_runs": {
        "CronJobSpec": "concurrencyPolicy",
    },
    "unit/controllers/test_workloads.py::test_a_suspended_cronjob_makes_nothing": {
        "CronJobSpec": "suspend",
    },
    "unit/controllers/test_workloads.py::test_a_daemonset_has_a_pod_on_every_node": {
        "DaemonSetSpec": "selector template",
        "ReplicaSetSpec": "selector template",
    },
    "unit/controllers/test_workloads.py::test_a_statefulset_starts_its_pods_one_after_the_other": {
        "StatefulSetSpec": "selector serviceName template",
    },
    "unit/controllers/test_workloads.py::test_a_parallel_statefulset_waits_for_nothing": {
        "StatefulSetSpec": "podManagementPolicy",
    },
    "unit/controllers/test_workloads.py::test_an_indexed_job_runs_each_number_once": {
        "JobSpec": "completionMode completions parallelism template",
    },
    "unit/controllers/test_workloads.py::"
    "test_a_job_whose_pods_fail_waits_longer_each_time_and_gives_up": {
        "JobSpec": "backoffLimit",
    },
    "unit/controllers/test_workloads.py::"
    "test_a_suspended_job_has_no_pods_and_a_finished_one_goes_after_a_while": {
        "JobSpec": "suspend ttlSecondsAfterFinished",
    },
    "unit/controllers/test_workloads.py::test_a_job_that_takes_too_long_fails": {
        "JobSpec": "activeDeadlineSeconds",
    },
    "unit/controllers/test_reconcile.py::test_endpoints_written_by_hand_are_mirrored": {
        "Endpoint": "targetRef",
        "EndpointAddress": "hostname ip nodeName targetRef",
        "EndpointSubset": "addresses notReadyAddresses ports",
        "Endpoints": "subsets",
    },
    "unit/kube/kinds/service/test_view.py::test_endpoint_slice_with_everything": {
        "Endpoint": "addresses conditions hints nodeName zone",
        "EndpointConditions": "ready terminating",
        "EndpointHints": "forNodes forZones",
        "EndpointPort": "name port protocol",
        "EndpointSlice": "addressType endpoints ports",
        "ForNode": "name",
        "ForZone": "name",
    },
    "unit/kubeproxy/test_backends.py::test_selection_is_kube_proxys": {
        "EndpointConditions": "serving",
    },
    "unit/dns/test_cluster_zone.py::test_a_name_has_the_records_of_the_specification": {
        "Endpoint": "hostname",
    },
    "kernel/test_load_balancer.py::test_http_is_told_the_client_in_headers": {
        "EndpointPort": "appProtocol",
        "ServicePort": "appProtocol",
        "ServiceSpec": "allocateLoadBalancerNodePorts loadBalancerClass",
    },
    "kernel/test_load_balancer.py::test_source_ranges_let_nobody_else_in": {
        "ServiceSpec": "loadBalancerSourceRanges",
    },
    "unit/controllers/test_service_lb.py::test_a_service_that_cannot_have_an_address_is_told_why": {
        "ServiceSpec": "loadBalancerIP",
    },
    "kernel/test_proxy_modes.py::test_every_address_of_the_service_leads_to_its_pod": {
        "ServicePort": "name nodePort port protocol targetPort",
        "ServiceSpec": "clusterIP externalIPs ports type",
    },
    "kernel/test_proxy_modes.py::test_policy_local_keeps_the_clients_address_where_a_pod_is": {
        "ServiceSpec": "externalTrafficPolicy",
    },
    "kernel/test_proxy_modes.py::test_a_client_stays_with_its_endpoint_if_it_is_to": {
        "ServiceSpec": "sessionAffinity",
    },
    "unit/kubeproxy/iptables/test_chains.py::test_affinity_is_asked_before_the_die": {
        "ClientIPConfig": "timeoutSeconds",
        "ServiceSpec": "sessionAffinityConfig",
        "SessionAffinityConfig": "clientIP",
    },
    "kernel/test_kube_proxy.py::test_a_health_check_port_says_which_node_has_an_endpoint": {
        "ServiceSpec": "healthCheckNodePort",
    },
    "kernel/test_manifests.py::test_a_drop_under_internal_policy_local_is_what_the_rules_promise": {
        "ServiceSpec": "internalTrafficPolicy",
    },
    "kernel/test_dns.py::test_an_external_name_leads_out_of_the_cluster": {
        "ServiceSpec": "externalName",
    },
    "kernel/test_dual_stack_views.py::test_status_has_the_addresses_of_both_families": {
        "ServiceSpec": "clusterIPs ipFamilies ipFamilyPolicy",
    },
    "kernel/test_traffic_distribution.py::test_calls_stay_as_near_as_the_service_asks": {
        "ServiceSpec": "trafficDistribution",
    },
    "unit/controllers/test_reconcile.py::test_endpoints_follow_the_pods": {
        "ServiceSpec": "selector",
    },
}
"""Of a container that is added later, every field of Container is carried out by the same code."""
