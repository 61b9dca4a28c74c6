"""agnhost: the image of Kubernetes' own network tests, command for command.

Source: Kubernetes, ``test/images/agnhost``.
"""
