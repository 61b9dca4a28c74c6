"""Address families, as nft calls them."""

from netlab.model.addresses import Family


def ip(family: Family) -> str:
    """Return nft's word for a family, for its header and for its tables.

    >>> ip(Family.IPV6)
    'ip6'
    """
    return "ip" if family is Family.IPV4 else "ip6"
