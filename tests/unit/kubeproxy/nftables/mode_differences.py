"""Where nftables mode does otherwise than kube-proxy's facts, which are of iptables mode."""

UNDEFINED_PORT = "a port that a ClusterIP does not define is rejected"
LOCALHOST = "NodePorts do not answer on loopback"
SECONDARY = "NodePorts answer on the node IP alone by default"
HEALTH_CHECK = "what a host firewall lets in is not kube-proxy's to say"

DIFFERENCES = {
    "flow-006": (HEALTH_CHECK, "NONE"),
    "flow-021": (UNDEFINED_PORT, "REJECT"),
    "flow-022": (UNDEFINED_PORT, "REJECT"),
    "flow-039": (LOCALHOST, "NONE"),
    "flow-040": (SECONDARY, "NONE"),
    "flow-060": (SECONDARY, "NONE"),
    "flow-071": (HEALTH_CHECK, "NONE"),
    "flow-132": (LOCALHOST, "NONE"),
    "flow-142": (LOCALHOST, "NONE"),
    "flow-152": (LOCALHOST, "NONE"),
}
"""Flows that end otherwise than in iptables mode: the documented reason, and the verdict."""
