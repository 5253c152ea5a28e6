"""What is still to be extracted: read a little ahead, and handed out in batches, the largest files first."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import count

from semfora_hooks.index.batch import Item

BATCH_BYTES = 64 * 1024
BATCH_FILES = 32
"""Small, so that the last batches end at about the same time."""

AHEAD_BYTES = 4 * 1024 * 1024
"""What is read before it is wanted: enough to find the large files early, and little beside a large repository."""


class Backlog:
    """Items that nobody works on yet.

    Args:
        items: Where they come from; read when there is time for it.
    """

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._is_read = False
        self._heap: list[tuple[int, int, Item]] = []
        self._numbers = count()
        self._size = 0

    def __bool__(self) -> bool:
        """Whether something may be left."""
        return bool(self._heap) or not self._is_read

    def read_ahead(self) -> bool:
        """Read about a batch, if that much is wanted; whether it was."""
        if self._is_read or self._size >= AHEAD_BYTES:
            return False
        wanted = self._size + BATCH_BYTES
        for item in self._items:
            self.put(item)
            if self._size >= wanted:
                return True
        self._is_read = True
        return True

    def put(self, item: Item) -> None:
        """Add one, or give it back."""
        heapq.heappush(self._heap, (-len(item[2]), next(self._numbers), item))
        self._size += len(item[2])

    def take(self) -> list[Item]:
        """The next batch; empty if there is none."""
        if not self._heap:
            self.read_ahead()
        batch: list[Item] = []
        size = 0
        while self._heap and len(batch) < BATCH_FILES and (not batch or size - self._heap[0][0] <= BATCH_BYTES):
            negative, _, item = heapq.heappop(self._heap)
            size -= negative
            batch.append(item)
        self._size -= size
        return batch

    def rest(self) -> Iterable[Item]:
        """Everything that is left, item by item."""
        while batch := self.take():
            yield from batch
