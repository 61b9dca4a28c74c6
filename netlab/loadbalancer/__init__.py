"""The cloud's load balancer: what leads from a Service's external address to its nodes."""
