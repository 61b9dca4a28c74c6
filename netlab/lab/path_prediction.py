"""What the rules and routes of a running lab predict of one connection.

Rules and addresses are read back from each kernel, so that a rule someone laid by hand counts as
much as one of kube-proxy's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netlab.errors import SpecError
from netlab.kernel.netns import inside
from netlab.model.hosts import Host
from netlab.model.packets import Family
from netlab.netfilter.parse import parse
from netlab.netfilter.rules import Ruleset
from netlab.observe.addresses import read_addresses
from netlab.path.compare import compare
from netlab.path.predict_path import Addresses, Surroundings, predict_path
from netlab.path.predicted_path import Comparison
from netlab.path.routes import AskRoute
from netlab.path.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPrediction:
    """Rules and addresses of every host, read at one time."""

    hosts: tuple[Host, ...]
    texts: Mapping[str, str]
    """What iptables-save printed, by host."""
    version: int
    remarks: list[str] = field(default_factory=list)
    """What cannot be predicted, and why."""

    def compared(self, trace: Trace, ask: AskRoute) -> Comparison:
        """Return what was to be expected of a traced connection beside what came of it."""
        surroundings = Surroundings(
            hosts={host.name: host for host in self.hosts},
            addresses=self._addresses(),
            rulesets=self._rulesets(),
            ask=ask,
        )
        try:
            paths = predict_path(surroundings, trace.caller, trace.pair, trace.protocol)
        except SpecError as error:
            self.remarks.append(str(error))
            paths = ()
        return compare(paths, trace, self.remarks)

    def _rulesets(self) -> dict[str, Ruleset]:
        family = Family.IPV4 if self.version == 4 else Family.IPV6
        found = {}
        for host, text in self.texts.items():
            try:
                found[host] = parse(text, family)
            except SpecError as error:
                self.remarks.append(f"the rules of {host} cannot be read: {error}")
        return found

    def _addresses(self) -> dict[str, Addresses]:
        found: dict[str, Addresses] = {}
        for host in self.hosts:
            try:
                found[host.name] = read_addresses(host.netns, inside, self.version)
            except OSError as error:
                self.remarks.append(f"no addresses of {host.name}: {error.strerror}")
        return found


def foreign_tables(hosts: Sequence[str], tables: Mapping[str, frozenset[str]]) -> list[str]:
    """Return a sentence for each host with rules that iptables does not show."""
    own = {"raw", "mangle", "nat", "filter", "security"}
    return [
        f"{host} has rules in {', '.join(sorted(more))}, which netlab cannot predict"
        for host in hosts
        if (more := tables.get(host, frozenset()) - own)
    ]
