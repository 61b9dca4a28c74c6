"""Metrics in the text format that Prometheus reads.

Source: Prometheus, "Exposition formats", text format 0.0.4.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number of a metric."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""
    """Of the metric's name: ``_bucket``, ``_sum`` and ``_count`` of a histogram."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric and its samples."""

    name: str
    kind: str
    """``counter``, ``gauge`` or ``histogram``."""
    text: str
    """What it counts, for people."""
    samples: tuple[Sample, ...]


def histogram_samples(
    bounds: Iterable[float], counts: Iterable[int], total: float, labels: Mapping[str, str]
) -> tuple[Sample, ...]:
    """Return the samples of a histogram.

    Args:
        bounds: The upper end of each bucket but the last, rising.
        counts: How many values fell into each bucket; one more than ``bounds``.
        total: The sum of all values.
        labels: Of every sample.
    """
    samples: list[Sample] = []
    below = 0
    for bound, count in zip((*map(_number, bounds), "+Inf"), counts, strict=True):
        below += count
        samples.append(Sample(value=below, labels={**labels, "le": bound}, suffix="_bucket"))
    samples.append(Sample(value=total, labels=labels, suffix="_sum"))
    samples.append(Sample(value=below, labels=labels, suffix="_count"))
    return tuple(samples)


def render_metrics(metrics: Iterable[Metric]) -> str:
    """Return metrics as text, in their order; one without a sample is left out."""
    return "".join(f"{line}\n" for metric in metrics for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    if metric.samples:
        yield f"# HELP {metric.name} {metric.text}"
        yield f"# TYPE {metric.name} {metric.kind}"
    for sample in metric.samples:
        labels = ",".join(f'{name}="{_escaped(text)}"' for name, text in sample.labels.items())
        braces = f"{{{labels}}}" if labels else ""
        yield f"{metric.name}{sample.suffix}{braces} {_number(sample.value)}"


def _number(value: float) -> str:
    """Return the shortest text of a number, as Go prints it: whole ones without a point.

    >>> _number(3.0), _number(0.001)
    ('3', '0.001')
    """
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
