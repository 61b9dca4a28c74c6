"""The rules of several hosts, by the handles that a rule trace gives."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from netlab.errors import HostError
from netlab.linux import iptables, nft
from netlab.linux.netns import inside
from netlab.linux.side_by_side import side_by_side
from netlab.model.addresses import Family
from netlab.model.hosts import Host
from netlab.netfilter.nftables.parse import parse_listing
from netlab.netfilter.nftables.table import TABLE
from netlab.sources.legacy_rule_trace import has_legacy_tables
from netlab.sources.rule_changes import RuleChanges
from netlab.sources.rule_handles import read_handles
from netlab.sources.rule_tables import read_tables
from netlab.trace.legacy_rule_walks import LegacyRules, legacy_rules
from netlab.trace.rules_by_handle import RuleBook, book_by_handle
from netlab.trace.table_rules_by_handle import table_book

if TYPE_CHECKING:
    from netlab.trace.host_rules import ListedRules
    from netlab.trace.session.path_prediction import PathPrediction


class RulesRead:
    """Begins with a look at each host's ruleset, to notice what changes until it is read.

    Args:
        hosts: Whose rules.
        version: 4 or 6, of the Internet Protocol.
    """

    def __init__(self, hosts: Sequence[Host], version: int) -> None:
        self._hosts = hosts
        self._version = version
        self._family = Family.IPV4 if version == 4 else Family.IPV6
        self._changes = {host.name: found for host in hosts if (found := _changes(host))}
        self.warnings: list[str] = []
        """Sentences about hosts whose rules could not be read, or did not hold still."""
        # The kernel tells of no change of legacy tables: their text before and after tells.
        self._legacy_texts = self._read_legacy(hosts)
        self.legacy: dict[str, LegacyRules] = {}
        """Rules of iptables-legacy, by host; there once the rules were read."""
        self._texts: dict[str, str] = {}
        self._table_texts: dict[str, str] = {}
        self._both_iptables: set[str] = set()
        """Hosts with rules of iptables-nft that those of iptables-legacy stand for."""

    def read(self) -> dict[str, RuleBook]:
        """Return the rules of each host that has any; to be called once."""
        try:
            books = side_by_side([partial(self._read, host) for host in self._hosts])
        finally:
            for changes in self._changes.values():
                changes.close()
        return {host.name: book for host, book in zip(self._hosts, books, strict=True) if book}

    def path_prediction(self) -> "PathPrediction":
        """Return what the rules that were read say of connections to come."""
        from netlab.trace.session.path_prediction import PathPrediction  # noqa: PLC0415 for those who ask

        listed = {host.name: self._listed(host) for host in self._hosts}
        return PathPrediction(hosts=tuple(self._hosts), version=self._version, listed=listed)

    def _listed(self, host: Host) -> "ListedRules":
        from netlab.trace.host_rules import ListedRules  # noqa: PLC0415 for those who ask

        try:
            tables = read_tables(host, inside, self._version)
        except OSError as error:
            self.warnings.append(f"no tables of {host.name}: {error}")
            tables = ()
        return ListedRules(
            iptables=self._texts.get(host.name, ""),
            kube_proxy=self._table_texts.get(host.name, ""),
            tables=(*tables, *(["iptables-nft"] if host.name in self._both_iptables else [])),
        )

    def _read(self, host: Host) -> RuleBook:
        try:
            book = self._book(host)
            changes = self._changes.get(host.name)
            if changes is not None and changes.came():
                self._say_changed(host)
                book = self._book(host)
            return {**book, **self._legacy_book(host)}
        except (OSError, HostError) as error:
            self.warnings.append(f"no text of rules from {host.name}: {error}")
            return {}

    def _read_legacy(self, hosts: Sequence[Host]) -> dict[str, str]:
        found = {}
        for host in hosts:
            try:
                if has_legacy_tables(host, inside, self._version):
                    found[host.name] = self._save(host, "legacy")
            except FileNotFoundError:
                # That it has gone is said of each source that is opened on it.
                continue
            except HostError as error:
                self.warnings.append(f"no text of legacy rules from {host.name}: {error}")
        return found

    def _book(self, host: Host) -> RuleBook:
        handles = read_handles(host, inside, self._version)
        # Where there is no rule there is nothing to ask iptables-save for.
        if not handles:
            return {}
        text = self._save(host, "nft")
        self._texts[host.name] = text
        book = dict(book_by_handle(text, handles))
        if any(table == TABLE for table, _ in handles):
            book.update(self._table_book(host))
        return book

    def _table_book(self, host: Host) -> RuleBook:
        text = nft.list_table([host.netns], self._family, TABLE, handles=True)[host.netns]
        self._table_texts[host.name] = text
        return table_book(parse_listing(text)) if text else {}

    def _legacy_book(self, host: Host) -> RuleBook:
        if host.name not in self._legacy_texts:
            return {}
        text = self._save(host, "legacy")
        if _rules_of(text) != _rules_of(self._legacy_texts[host.name]):
            self._say_changed(host)
        if _rules_of(self._texts.get(host.name, "")):
            self._both_iptables.add(host.name)
        self._texts[host.name] = text
        self.legacy[host.name] = legacy_rules(text)
        return self.legacy[host.name].book()

    def _save(self, host: Host, backend: str) -> str:
        return iptables.save([host.netns], self._family, backend=backend)[host.netns]

    def _say_changed(self, host: Host) -> None:
        self.warnings.append(
            f"the rules of {host.name} changed meanwhile; their numbers are the new ones"
        )


def _rules_of(text: str) -> list[str]:
    """Return the rules alone: comments have the time, and chains count packets."""
    return [line for line in text.splitlines() if line.startswith("-A ")]


def _changes(host: Host) -> RuleChanges | None:
    try:
        return RuleChanges(host, inside)
    except OSError:
        # That it has gone is said of each source that is opened on it.
        return None
