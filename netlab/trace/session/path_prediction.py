"""What the rules and routes of a running lab predict of one connection.

Rules and addresses are read back from each kernel, so that a rule someone laid by hand counts as
much as one of kube-proxy's. Where the packet comes to a host with rules that netlab does not know,
nothing is predicted, and so nothing is compared.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from netlab.errors import HostError, SpecError
from netlab.linux import iptables, nft
from netlab.linux.interface_addresses import read_addresses
from netlab.linux.netns import inside
from netlab.model.addresses import Family
from netlab.model.hosts import Host
from netlab.netfilter.nftables.table import TABLE
from netlab.sources.routes import AskRoute
from netlab.sources.rule_tables import read_tables
from netlab.trace.compare import compare
from netlab.trace.host_rules import HostRules, ListedRules, parse_host_rules
from netlab.trace.predict_path import Addresses, LabContext, predict_path
from netlab.trace.predicted_path import Comparison
from netlab.trace.trace import Trace


def list_rules(host: Host, family: Family) -> ListedRules:
    """Return what a host's own programs print of its rules of one address family.

    Raises:
        HostError: A program is missing, or its listing failed.
        OSError: The namespace is gone.
    """
    tables = read_tables(host, inside, 4 if family is Family.IPV4 else 6)
    own = nft.list_table([host.netns], family, TABLE) if TABLE in tables else {}
    return ListedRules(
        iptables=iptables.save([host.netns], family)[host.netns],
        kube_proxy=own.get(host.netns, ""),
        tables=tables,
    )


@dataclass(frozen=True, slots=True)
class KnownRules:
    """The rules of several hosts, as far as their effect is known."""

    rules: Mapping[str, HostRules]
    unknown: Mapping[str, str]
    """By host, why nothing can be predicted there."""


def known_rules(
    hosts: tuple[Host, ...], family: Family, listed: Callable[[Host], ListedRules]
) -> KnownRules:
    """Return the rules of several hosts.

    Args:
        hosts: Whose.
        family: Of which addresses.
        listed: Gives what a host's programs print.
    """
    rules: dict[str, HostRules] = {}
    unknown: dict[str, str] = {}
    for host in hosts:
        try:
            texts = listed(host)
            rules[host.name] = parse_host_rules(texts, family)
        except (OSError, HostError, SpecError) as error:
            unknown[host.name] = f"the rules of {host.name} cannot be read: {error}"
            continue
        if texts.foreign():
            names = ", ".join(texts.foreign())
            unknown[host.name] = f"{host.name} has rules in {names}, which netlab cannot predict"
    return KnownRules(rules, unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPrediction:
    """Rules and addresses of every host, read at one time."""

    hosts: tuple[Host, ...]
    version: int
    listed: Mapping[str, ListedRules]
    """By host; one that is left out has no rules."""

    def compared(self, trace: Trace, ask: AskRoute) -> Comparison:
        """Return what was to be expected of a traced connection beside what came of it."""
        family = Family.IPV4 if self.version == 4 else Family.IPV6
        known = known_rules(
            self.hosts, family, lambda host: self.listed.get(host.name, ListedRules())
        )
        unknown = dict(known.unknown)
        context = LabContext(
            hosts={host.name: host for host in self.hosts},
            addresses=self._addresses(unknown),
            rules=known.rules,
            ask=ask,
        )
        try:
            paths = predict_path(context, trace.caller, trace.pair, trace.protocol)
        except SpecError as error:
            return compare((), trace, [str(error)])
        seen = trace.request()
        visited = {visit.host for path in paths for visit in path.visits}
        visited |= {visit.host for visit in (seen.visits if seen else ())}
        remarks = [why for host, why in unknown.items() if host in visited]
        return compare(() if remarks else paths, trace, remarks)

    def _addresses(self, unknown: dict[str, str]) -> dict[str, Addresses]:
        found: dict[str, Addresses] = {}
        for host in self.hosts:
            try:
                found[host.name] = read_addresses(host.netns, inside, self.version)
            except OSError as error:
                unknown[host.name] = f"no addresses of {host.name}: {error.strerror}"
        return found
