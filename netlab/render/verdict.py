"""Predictions in words, and as values for JSON."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from netlab.netfilter.verdicts import Hit, Outcome, Verdict
from netlab.render.table import table
from netlab.trace.predict import Prediction

_Hits = tuple[Hit, ...]

_SENTENCES = {
    Verdict.ACCEPT: "A rule lets it pass, to the address it was sent to",
    Verdict.DROP: "It is dropped without a word: the sender waits until it times out",
    Verdict.REJECT: "It is rejected: the sender is told that the port is unreachable",
    Verdict.NONE: "No rule of kube-proxy's is for it: it follows the routes",
}


def render_prediction(prediction: Prediction) -> str:
    """Return a prediction as text: a sentence, the endpoints, the rules that matched."""
    question = prediction.question
    label = f"  ({question.label})" if question.label else ""
    lines = [f"{question}{label}"]
    lines += [f"{_sentence(prediction, verdict)}." for verdict in prediction.verdicts]
    if prediction.endpoints:
        lines += ["", *_endpoints(prediction)]
    lines += ["", *_rules(prediction.outcomes)]
    return "\n".join(lines)


def render_premise(other: Prediction) -> str:
    """Return the remark that an answer would be ``other`` if it were known who is a pod."""
    known = f"{_sentence(other, other.verdicts[0])}"
    masked = ", masqueraded" if other.is_masqueraded else ""
    return (
        "nothing says which addresses are pods': the files hold no KubeProxyConfiguration with a "
        f"clusterCIDR, as kubeadm, k3s and kind write one. With it: {known}{masked}."
    )


def prediction_values(prediction: Prediction) -> dict[str, object]:
    """Return a prediction as plain values."""
    question = prediction.question
    return {
        "flow": str(question),
        "label": question.label,
        "verdict": "/".join(prediction.verdicts),
        "endpoints": list(prediction.endpoints),
        "chances": {endpoint: str(chance) for endpoint, chance in prediction.endpoints.items()},
        "masquerade": prediction.is_masqueraded,
        "outcomes": [_outcome_values(outcome) for outcome in prediction.outcomes],
    }


def _outcome_values(outcome: Outcome) -> dict[str, object]:
    return {
        "verdict": str(outcome.verdict),
        "endpoint": outcome.endpoint,
        "chance": str(outcome.chance),
        "masquerade": outcome.is_masqueraded,
        "rules": [
            {"table": hit.table, "chain": hit.rule.chain, "rule": str(hit.rule)}
            for hit in outcome.hits
        ],
    }


def _sentence(prediction: Prediction, verdict: Verdict) -> str:
    if verdict is not Verdict.ENDPOINTS:
        return _SENTENCES[verdict] + _masquerade(prediction, verdict)
    endpoints = list(prediction.endpoints)
    where = endpoints[0] if len(endpoints) == 1 else f"one of {len(endpoints)} endpoints"
    return f"It goes to {where}{_masquerade(prediction, verdict)}"


def _masquerade(prediction: Prediction, verdict: Verdict) -> str:
    found = {one.is_masqueraded for one in prediction.outcomes if one.verdict is verdict}
    if found == {True}:
        return ", masqueraded: its source becomes an address of the node"
    if found == {True, False}:
        return ", masqueraded on the way to some"
    return "" if verdict in {Verdict.DROP, Verdict.REJECT} else ", and keeps its source"


def _endpoints(prediction: Prediction) -> Iterator[str]:
    rows: dict[tuple[str, bool], Fraction] = {}
    for one in prediction.outcomes:
        if one.endpoint is not None:
            key = one.endpoint, one.is_masqueraded
            rows[key] = rows.get(key, Fraction(0)) + one.chance
    titles = ("ENDPOINT", "CHANCE", "SOURCE")
    cells = [
        (endpoint, str(chance), "masqueraded" if is_masqueraded else "kept")
        for (endpoint, is_masqueraded), chance in rows.items()
    ]
    yield from table(titles, cells).splitlines()


def _rules(outcomes: Sequence[Outcome]) -> Iterator[str]:
    shared = _common([outcome.hits for outcome in outcomes])
    if not any(outcome.hits for outcome in outcomes):
        yield "No rule matches."
        return
    if shared:
        yield "Rules it hits:" if len(outcomes) == 1 else "Rules it hits in any case:"
        yield from _lines(shared)
    for outcome in outcomes if len(outcomes) > 1 else ():
        where = outcome.endpoint or str(outcome.verdict)
        yield f"On the way to {where}:"
        yield from _lines(outcome.hits[len(shared) :])


def _common(rows: Sequence[_Hits]) -> _Hits:
    """Return what all ``rows`` begin with."""
    length = 0
    for column in zip(*rows, strict=False):
        if any(hit != column[0] for hit in column):
            break
        length += 1
    return rows[0][:length] if rows else ()


def _lines(hits: Iterable[Hit]) -> Iterator[str]:
    return (f"  {hit.table:<6}  {hit.rule}" for hit in hits)
