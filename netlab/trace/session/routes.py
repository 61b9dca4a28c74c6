"""Routing questions to the kernels of a running lab."""

from collections.abc import Sequence
from contextlib import ExitStack

from netlab.linux.netns import inside
from netlab.model.hosts import Host
from netlab.sources.route_query import RouteQueries
from netlab.sources.routes import RouteAnswer, RouteQuestion


class Routes:
    """Routing questions to any host; each host's socket is opened when it is asked first."""

    def __init__(self, hosts: Sequence[Host], stack: ExitStack) -> None:
        self._netns = {host.name: host.netns for host in hosts}
        self._stack = stack
        self._opened: dict[str, RouteQueries] = {}

    def ask(self, question: RouteQuestion) -> RouteAnswer:
        """Return the host's answer."""
        if question.host not in self._opened:
            try:
                queries = RouteQueries(self._netns[question.host], inside)
            except OSError as error:
                return RouteAnswer(error=f"no answer ({error.strerror})")
            self._stack.callback(queries.close)
            self._opened[question.host] = queries
        return self._opened[question.host].ask(question)
