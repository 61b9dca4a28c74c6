"""The counters of a DNS server, in Prometheus' text format.

Source: CoreDNS, plugins metrics and cache, for the names.
"""

from netlab.dns.records import Rcode
from netlab.dns.server import Server

_SERVER = 'server="dns://:53",zone="."'


def metrics_text(server: Server) -> str:
    """Return what ``/metrics`` answers."""
    counts = server.resolver.counts
    lines = [
        "# TYPE coredns_dns_requests_total counter",
        *(
            f'coredns_dns_requests_total{{{_SERVER},proto="{protocol}"}} {count}'
            for protocol, count in sorted(server.requests.items())
            if protocol in {"tcp", "udp"}
        ),
        "# TYPE coredns_dns_responses_total counter",
        *(
            f'coredns_dns_responses_total{{{_SERVER},rcode="{Rcode(rcode).name}"}} {count}'
            for rcode, count in sorted(server.responses.items())
            if rcode in set(Rcode)
        ),
        "# TYPE coredns_cache_hits_total counter",
        f"coredns_cache_hits_total{{{_SERVER}}} {counts.hits}",
        "# TYPE coredns_cache_misses_total counter",
        f"coredns_cache_misses_total{{{_SERVER}}} {counts.misses}",
    ]
    return "\n".join(lines) + "\n"
