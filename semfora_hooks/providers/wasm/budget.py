"""The time that all plugins of a run have together, so that many of them cannot hold up a commit for minutes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from semfora_hooks.config import Config
from semfora_hooks.userconfig import UserWasmSettings, user_config_path


class Budget:
    """A clock that runs while any plugin is compiled or evaluated: side by side, they spend the same second once.

    Args:
        seconds: What there is to spend.
        setting: The setting that changes it, for messages.
        clock: Gives the time.
    """

    def __init__(self, seconds: float, setting: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self.setting = setting
        self._clock = clock
        self._lock = threading.Lock()
        self._spent = 0.0
        self._running = 0
        self._since = 0.0

    def left(self) -> float:
        """Seconds that are not spent yet; 0 where there are none."""
        with self._lock:
            now = self._clock() - self._since if self._running else 0.0
            return max(0.0, self.seconds - self._spent - now)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Spend the time of a block."""
        with self._lock:
            if not self._running:
                self._since = self._clock()
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                if not self._running:
                    self._spent += self._clock() - self._since

    def renew(self) -> None:
        """Start anew; for those who evaluate one context after the other with the same plugins."""
        with self._lock:
            self._spent, self._since = 0.0, self._clock()


def run_budget(config: Config, user: UserWasmSettings) -> Budget:
    """A run's budget: the user's, which a repository's configuration can lower."""
    repository = config.plugins.wasm
    seconds, place = user.total_timeout_seconds, str(user_config_path())
    if repository.total_timeout is not None and repository.total_timeout_seconds < seconds:
        seconds, place = repository.total_timeout_seconds, config.source or "the repository's configuration"
    return Budget(seconds, f"plugins.wasm.total-timeout in {place}")
