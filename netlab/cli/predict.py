"""``netlab predict``: what a node's rules will do with a packet; no root, no lab."""

import json
from typing import TYPE_CHECKING

import click

from netlab.cli.proxy_options import Asked, proxy_options, read_view

if TYPE_CHECKING:
    from netlab.trace.flows import FlowQuestion

_SCHEMA = "netlab.predict/1"


@click.command()
@click.argument("flow", required=False)
@proxy_options
@click.option(
    "--flows",
    "flows_file",
    metavar="FILE",
    help="JSON: a list of flows, each a text or an object; - for standard input.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the answer.",
)
def predict(
    flow: str | None,
    asked: Asked,
    flows_file: str | None,
    output: str,
) -> None:
    """Say what a node's rules will do with a packet, and by which rules.

    FLOW is [pod|node|client|localhost] SOURCE -> DESTINATION:PORT/PROTOCOL. A source that is the
    node's own address sends from the node, any other arrives there. It is the first packet of its
    connection; no client is known from before.

    Example: netlab predict -f objects.yaml --node node1 'pod 10.0.0.2 -> 10.0.0.80:80/tcp'
    """
    from netlab.render.verdict import prediction_values, render_prediction, render_premise
    from netlab.trace.predict import Predictor

    if (flow is None) == (flows_file is None):
        raise click.UsageError("Give one FLOW, or --flows FILE.")
    questions = _parse([flow]) if flow is not None else _read_flows(str(flows_file))
    predictor = Predictor(read_view(asked))
    answers = [predictor.predict(question) for question in questions]
    others = [predictor.if_pods_were_known(question) for question in questions]
    for other in others:
        if other is not None:
            click.echo(f"Note: {other.question}: {render_premise(other)}", err=True)
    if output == "text":
        click.echo("\n\n".join(map(render_prediction, answers)))
        return
    values = [prediction_values(answer) for answer in answers]
    body = values[0] if flow is not None else {"flows": values}
    click.echo(json.dumps({"schema": _SCHEMA, "node": asked.node, **body}, indent=2))


def _parse(flows: list[object], source: str = "") -> "list[FlowQuestion]":
    """Return what is asked; every flow that cannot be read is told at once, with the form."""
    from netlab.trace.flows import EXAMPLE, FORM, OBJECT_EXAMPLE, FlowError, flow_of

    questions, problems = [], []
    for number, flow in enumerate(flows, 1):
        try:
            questions.append(flow_of(flow))
        except FlowError as error:
            problems.append(f"{source}: flow {number}: {error}." if source else f"{error}.")
    if problems:
        problems += [f"A flow is: {FORM}", f"For example: {EXAMPLE}"]
        problems += [f"Or in JSON: {OBJECT_EXAMPLE}"] if source else []
        raise click.UsageError("\n".join(problems))
    return questions


def _read_flows(file: str) -> "list[FlowQuestion]":
    from netlab.errors import SpecError
    from netlab.lab.topologies import read_spec

    text, source = read_spec(file)
    try:
        found = json.loads(text)
    except ValueError as error:
        raise SpecError(f"{source}: this is not JSON: {error}") from error
    flows = found.get("flows") if isinstance(found, dict) else found
    if not isinstance(flows, list):
        raise SpecError(f"{source}: must be a list of flows, or an object with such a list: flows")
    return _parse(flows, source)
