"""The release of Kubernetes that netlab's API, schema data and components are those of."""

from typing import Final

KUBERNETES_VERSION: Final = "v1.37.0"
