"""A Wireshark profile for captures of netlab's: columns, colours, and names.

In a capture at many points each packet is there once for each interface it passed. Wireshark's
analysis of sequence numbers takes that for retransmissions, so it is off.

Source: Wireshark User's Guide, appendix B: Configuration Files and Folders.
"""

from collections.abc import Mapping
from typing import Final

PREFERENCES: Final = """# Columns that tell where a packet was, and which packet it is.
gui.column.format:
\t"No.", "%m",
\t"Time", "%t",
\t"Interface", "%Cus:frame.interface_name:0:R",
\t"Packet", "%Cus:frame.packet_id:0:R",
\t"Source", "%s",
\t"Destination", "%d",
\t"Protocol", "%p",
\t"Info", "%i",
\t"Comment", "%Cus:frame.comment:0:R"

# The same packet at the next interface is no retransmission.
tcp.analyze_sequence_numbers: FALSE

# Names are in the file; nobody else knows these addresses.
nameres.network_name: TRUE
nameres.use_external_name_resolver: FALSE
"""

_ENDED: Final = r'frame.comment matches "^(dropped|rejected|lost) on |^seen (leaving|entering) "'
_REWRITTEN: Final = 'frame.comment contains "NAT "'

COLOUR_FILTERS: Final = f"""# Where a packet ended, and where an address was rewritten.
@netlab: dropped@{_ENDED}@[65535,52428,52428][26214,0,0]
@netlab: NAT@{_REWRITTEN}@[65535,61166,49151][26214,16384,0]
"""


def wireshark_profile() -> Mapping[str, str]:
    """Return the files of the profile, by name."""
    return {"preferences": PREFERENCES, "colorfilters": COLOUR_FILTERS}
