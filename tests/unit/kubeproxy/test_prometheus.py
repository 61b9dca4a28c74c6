"""Metrics as Prometheus reads them."""

from netlab.kubeproxy.prometheus import Metric, Sample, histogram_samples, render_metrics


def test_buckets_of_a_histogram_add_up_and_end_in_infinity():
    samples = histogram_samples([0.001, 1.0], [2, 1, 4], 9.5, {"a": "b"})
    text = render_metrics([Metric(name="h", kind="histogram", text="Help", samples=samples)])
    assert text == (
        "# HELP h Help\n# TYPE h histogram\n"
        'h_bucket{a="b",le="0.001"} 2\n'
        'h_bucket{a="b",le="1"} 3\n'
        'h_bucket{a="b",le="+Inf"} 7\n'
        'h_sum{a="b"} 9.5\n'
        'h_count{a="b"} 7\n'
    )


def test_a_label_is_quoted_and_a_metric_without_samples_is_left_out():
    sample = Sample(value=3, labels={"a": 'x"\\\n'})
    text = render_metrics(
        [
            Metric(name="none", kind="counter", text="Help", samples=()),
            Metric(name="one", kind="counter", text="Help", samples=(sample, Sample(value=0.5))),
        ]
    )
    assert text.splitlines()[2:] == [r'one{a="x\"\\\n"} 3', "one 0.5"]
    assert "none" not in text
