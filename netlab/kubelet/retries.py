"""Containers that are to start again: which, when, and why they could not be started before."""

from collections.abc import Collection

from netlab.kubelet.failures import StartFailure
from netlab.kubelet.probing import ContainerKey


class Retries:
    """What waits for its restart, or for another try at its start; by pod, as it is asked for."""

    def __init__(self) -> None:
        self._restart_at: dict[str, dict[str, float]] = {}
        self._failures: dict[str, dict[str, StartFailure]] = {}

    def due(self, uid: str) -> dict[str, float]:
        """Return when the containers of a pod may start that may not start at once, by name."""
        failures = self._failures.get(uid, {})
        tries = {name: failure.retry_at for name, failure in failures.items()}
        return {**self._restart_at.get(uid, {}), **tries}

    def failure(self, key: ContainerKey) -> StartFailure | None:
        """Return why a container could not be started; None for one that could, or was not yet."""
        return self._failures.get(key.uid, {}).get(key.name)

    def failed(self, key: ContainerKey, failure: StartFailure) -> None:
        """Note that a container could not be started."""
        self._failures.setdefault(key.uid, {})[key.name] = failure

    def restart(self, key: ContainerKey, at: float) -> None:
        """Note when a container that has ended may start again, in wall clock seconds."""
        self._restart_at.setdefault(key.uid, {})[key.name] = at

    def tried(self, key: ContainerKey) -> None:
        """Note that the time for a restart has come, whatever came of it."""
        self._restart_at.get(key.uid, {}).pop(key.name, None)

    def started(self, key: ContainerKey) -> None:
        """Note that a container was made."""
        self._failures.get(key.uid, {}).pop(key.name, None)

    def clear(self) -> None:
        """Have everything start at once that waits."""
        self._restart_at.clear()
        self._failures.clear()

    def forget_all_but(self, known: Collection[str]) -> None:
        """Remember nothing of pods but those with these uids."""
        for memory in (self._restart_at, self._failures):
            for uid in memory.keys() - known:
                del memory[uid]
