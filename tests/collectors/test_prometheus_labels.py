import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.prometheus_labels import entity_of, host_of, node_of

TEXT = st.text(max_size=8)
LABELS = st.dictionaries(
    st.sampled_from(["__name__", "job", "instance", "pod", "node", "service", "cpu", "le"]), TEXT
)


@pytest.mark.parametrize(
    ("labels", "node"),
    [
        (("node_load1", {"instance": "db1:9100", "job": "node"}), ("db1", "node_load1")),
        (("up", {"instance": "db1:9100", "job": "node-exporter"}), ("db1", "up")),
        (("up", {"instance": "db1:9187", "job": "postgres"}), ("db1/postgres", "up")),
        (("ipmi_temperature_celsius", {"instance": "bmc1", "name": "CPU"}),
         ("bmc1", "ipmi_temperature_celsius/name=CPU")),
        (("probe_success", {"instance": "http://shop:80/health", "job": "blackbox"}),
         ("shop/blackbox", "probe_success")),
        (("x", {"instance": "[::1]:80", "job": "a"}), ("::1/a", "x")),
        (("x", {"instance": "::1", "job": "a"}), ("::1/a", "x")),
        (("x", {"job": "pushed"}), ("pushed", "x")),
        (("http_requests_total", {"pod": "web-0", "namespace": "shop", "container": "web",
                                  "job": "k8s", "instance": "10.0.0.1:80", "code": "500"}),
         ("web-0", "http_requests_total/code=500")),
        (("container_cpu_usage_seconds_total", {"pod": "web-0", "container": "web", "node": "n1"}),
         ("web-0", "container_cpu_usage_seconds_total/container=web")),
        (("namedprocess_namegroup_num_procs", {"instance": "db1:9256", "job": "processes",
                                               "groupname": "redis"}),
         ("db1/redis", "namedprocess_namegroup_num_procs")),
        (("m", {"exported_instance": "db1", "exported_job": "disk", "instance": "gateway:9091",
                "job": "pushgateway"}), ("db1/disk", "m")),
    ],
)  # fmt: skip
def test_labels_name_an_entity_and_a_signal(labels, node):
    metric, others = labels
    found = node_of({"__name__": metric, **others})
    assert (found.entity, found.signal) == node


# What prometheus-operator puts on every series: where its target was found.
OPERATOR = {"endpoint": "metrics", "namespace": "monitoring", "prometheus": "monitoring/k8s"}
NODE_EXPORTER = {
    **OPERATOR,
    **{"container": "node-exporter", "job": "node-exporter", "service": "kps-node-exporter"},
    **{"pod": "kps-node-exporter-x7k2p", "instance": "10.0.0.4:9100"},
}
KUBELET = {
    **OPERATOR,
    **{"job": "kubelet", "service": "kps-kubelet", "instance": "10.0.0.4:10250"},
    **{"metrics_path": "/metrics/cadvisor", "node": "worker-1"},
}
STATE = {
    **OPERATOR,
    **{"container": "kube-state-metrics", "job": "kube-state-metrics", "service": "kps-ksm"},
    **{"pod": "kube-state-metrics-0", "instance": "10.1.0.7:8080"},
}
DCGM = {
    **OPERATOR,
    **{"container": "dcgm", "job": "dcgm-exporter", "service": "dcgm-exporter"},
    **{"pod": "dcgm-exporter-abcde", "instance": "10.1.0.9:9400", "gpu": "0"},
}
WEB = {"pod": "web-0", "namespace": "shop", "container": "web"}
ID = "/kubepods.slice/kubepods-burstable.slice/cri-containerd-{}.scope".format


@pytest.mark.parametrize(
    ("labels", "node"),
    [
        # Who speaks for a host speaks for it from a pod, too.
        (("node_load1", NODE_EXPORTER), ("10.0.0.4", "node_load1")),
        (("node_load1", NODE_EXPORTER | {"node": "worker-1"}), ("worker-1", "node_load1")),
        (("node_cpu_seconds_total", NODE_EXPORTER | {"instance": "worker-1", "cpu": "0"}),
         ("worker-1", "node_cpu_seconds_total/cpu=0")),
        (("up", NODE_EXPORTER), ("10.0.0.4", "up")),
        (("up", NODE_EXPORTER | {"job": "monitoring/prometheus-node-exporter"}),
         ("10.0.0.4", "up")),
        (("DCGM_FI_DEV_GPU_UTIL", DCGM | {"Hostname": "worker-1", "device": "nvidia0"}),
         ("worker-1", "DCGM_FI_DEV_GPU_UTIL/device=nvidia0,gpu=0")),
        # ... and whatever pod uses the device: it is another one tomorrow.
        (("DCGM_FI_DEV_GPU_UTIL", DCGM | {"Hostname": "worker-1", "exported_pod": "train-0",
                                          "exported_container": "train",
                                          "exported_namespace": "ml"}),
         ("worker-1", "DCGM_FI_DEV_GPU_UTIL/gpu=0")),
        (("ipmi_fan_speed_rpm", STATE | {"instance": "bmc1", "name": "FAN1"}),
         ("bmc1", "ipmi_fan_speed_rpm/name=FAN1")),
        # The cluster's state: of a node, of a pod, with honorLabels and without.
        (("kube_node_status_condition", STATE | {"node": "worker-1", "condition": "Ready",
                                                 "status": "true"}),
         ("worker-1", "kube_node_status_condition/condition=Ready,status=true")),
        (("kube_pod_container_status_waiting", STATE | WEB | {"uid": "f00"}),
         ("web-0", "kube_pod_container_status_waiting/container=web")),
        (("kube_pod_container_status_restarts_total",
          STATE | {"exported_pod": "web-0", "exported_container": "web", "uid": "f00",
                   "exported_namespace": "shop"}),
         ("web-0", "kube_pod_container_status_restarts_total/container=web")),
        # A service in a pod tells of the machine that it sees: that is still the service's.
        (("system_cpu_usage", OPERATOR | WEB | {"instance": "10.1.0.8:80", "job": "web"}),
         ("web-0", "system_cpu_usage")),
        # What renames itself at every restart is no part of a name.
        (("container_cpu_usage_seconds_total",
          KUBELET | WEB | {"id": ID("0af3"), "image": "shop/web:1.2", "name": "0af3"}),
         ("web-0", "container_cpu_usage_seconds_total/container=web")),
        (("container_memory_rss", KUBELET | {"id": "/system.slice/sshd.service"}),
         ("worker-1/kps-kubelet", "container_memory_rss/id=/system.slice/sshd.service")),
        (("container_memory_rss", {"id": "/docker/0af3", "image": "redis:7", "name": "cache",
                                   "instance": "db1:8080", "job": "cadvisor"}),
         ("db1/cache", "container_memory_rss")),
        (("up", KUBELET), ("worker-1/kps-kubelet", "up/metrics_path=/metrics/cadvisor")),
    ],
)  # fmt: skip
def test_in_kubernetes_a_series_is_of_whom_it_speaks_of_and_not_of_its_exporter(labels, node):
    metric, others = labels
    found = node_of({"__name__": metric, **others})
    assert (found.entity, found.signal) == node


def test_a_restarted_container_keeps_its_signals_and_its_pods_own_are_others():
    def series(number, image="shop/web:1", **more):
        told = {"__name__": "container_memory_rss", **KUBELET, **WEB, **more}
        return node_of(told | {"id": ID(number), "image": image, "name": number})

    def pod(**more):
        told = {"__name__": "container_memory_rss", **KUBELET, "pod": "web-0", "id": ID("pod")}
        return node_of(told | more)

    assert series("0af3") == series("9c1e", image="shop/web:2")
    # The sandbox has no name of its own in every runtime; the pod's sum is neither.
    sandbox = pod(image="pause:3.9", name="77aa")
    assert sandbox == series("55bb", image="pause:3.9", container="POD")
    assert len({series("0af3"), sandbox, pod()}) == 3


@given(LABELS)
def test_any_labels_give_the_same_answer_in_any_order(labels):
    node = node_of(labels)
    assert node == node_of(dict(reversed(labels.items())))
    assert entity_of(labels) == node.entity
    assert host_of(node.entity) in node.entity


@given(LABELS, st.sampled_from(["cpu", "le"]), TEXT.filter(bool), TEXT.filter(bool))
def test_series_of_one_target_that_differ_are_different_signals(labels, name, one, other):
    nodes = {node_of({**labels, name: text}) for text in (one, other)}
    assert len(nodes) == len({one, other})
