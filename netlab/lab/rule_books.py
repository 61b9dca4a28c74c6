"""The rules of several hosts, by the handles that a rule trace gives."""

from collections.abc import Sequence
from pathlib import Path

from netlab.errors import HostError
from netlab.kernel import iptables
from netlab.kernel.netns import inside
from netlab.model.hosts import Host
from netlab.observe.rule_handles import read_generation, read_handles
from netlab.path.rule_book import RuleBook, book_by_handle


class RuleBooks:
    """Begins with a look at each host's ruleset, to notice what changes until it is read.

    Args:
        hosts: Whose rules.
        version: 4 or 6, of the Internet Protocol.
    """

    def __init__(self, hosts: Sequence[Host], version: int) -> None:
        self._hosts = hosts
        self._version = version
        self._generations = {host.name: _generation(host) for host in hosts}
        self.warnings: list[str] = []
        """Sentences about hosts whose rules could not be read, or did not hold still."""

    def read(self) -> dict[str, RuleBook]:
        """Return the rules of each host that has any."""
        return {host.name: book for host in self._hosts if (book := self._read(host))}

    def _read(self, host: Host) -> RuleBook:
        try:
            book = self._book(host)
            if _generation(host) != self._generations[host.name]:
                self.warnings.append(
                    f"the rules of {host.name} changed meanwhile; their numbers are the new ones"
                )
                book = self._book(host)
        except (OSError, HostError) as error:
            self.warnings.append(f"no text of rules from {host.name}: {error}")
            return {}
        return book

    def _book(self, host: Host) -> RuleBook:
        if _has_legacy_rules(host):
            self.warnings.append(
                f"degraded: {host.name} has rules of iptables-legacy, which are not traced;"
                " what they did is seen from the points around them"
            )
            return {}
        handles = read_handles(host, inside, self._version)
        # Where there is no rule there is nothing to ask iptables-save for.
        if not handles:
            return {}
        return book_by_handle(iptables.save([host.netns])[host.netns], handles)


def _has_legacy_rules(host: Host) -> bool:
    with inside(host.netns):
        names = Path("/proc/thread-self/net/ip_tables_names")
        return names.exists() and bool(names.read_text().strip())


def _generation(host: Host) -> int:
    try:
        return read_generation(host, inside)
    except OSError:
        return 0
