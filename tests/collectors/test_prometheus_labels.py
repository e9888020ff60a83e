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
