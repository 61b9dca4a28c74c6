"""Names to addresses: the cluster's zone, the outside world's, and the server in pods.

What is here runs in the pods of the Deployment coredns too, so it imports nothing else of netlab.
"""
