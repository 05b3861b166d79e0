"""Windows in = in samples + rejected + duplicates + waiting. Performs no I/O.

A window is found again in a sample by its source, modality and values: a sample does not say when each of its windows
started. Where a sensor sends the same values several times, as many samples must hold them as there were windows.
"""

from collections.abc import Iterable
from typing import NamedTuple

from deploy.audit.account import GONE, Account, Reach, WindowEntry
from deploy.audit.reject_account import RejectBook
from deploy.audit.sample_account import Home, SampleBook

DUPLICATE = "duplicate"


class _Window(NamedTuple):
    """A distinct window where it came first; `must` be in a sample, since the worker has dealt with it."""

    entry: WindowEntry
    must: bool


def window_account(windows: Iterable[WindowEntry], rejects: RejectBook, samples: SampleBook, reach: Reach) -> Account:
    """What became of each record of the windows topics.

    Args:
        windows: All of them, in the order of each partition.
        rejects: Why records were refused.
        samples: What `sample_account` found.
        reach: How far the worker is, and how far back the topics go.
    """
    return _Windows(rejects, samples, reach).account(windows)


class _Windows:
    def __init__(self, rejects: RejectBook, samples: SampleBook, reach: Reach) -> None:
        self._account = Account("windows")
        self._rejects, self._samples, self._reach = rejects, samples, reach
        self._found: dict[int, dict[int, _Window]] = {}  # by content and start
        self._known: set[int] = set()  # hashes of identities that were not refused
        self._duplicates: list[WindowEntry] = []
        self._topics: set[str] = set()

    def account(self, windows: Iterable[WindowEntry]) -> Account:
        for entry in windows:
            self._take(entry)
        for entry in self._duplicates:
            self._settle_duplicate(entry)
        for content, found in self._found.items():
            self._settle(list(found.values()), self._samples.homes.pop(content, []))
        for homes in self._samples.homes.values():
            self._settle([], homes)
        return self._account

    def _take(self, entry: WindowEntry) -> None:
        self._topics.add(entry.place.topic)
        reason = self._rejects.reason(entry.place)
        if reason == DUPLICATE:
            self._duplicates.append(entry)
        elif reason is not None:
            self._account.shares["rejected"] += 1
        elif entry.content is None:
            self._settle_missing(entry, self._reach.is_done(entry.place))
        else:
            self._known.update(_names(entry))
            present = self._found.setdefault(entry.content, {})
            must = self._reach.is_done(entry.place)
            if entry.start_ns in present:
                # It came again after a restart: the worker drops what lies in a sample already.
                self._account.shares["duplicates"] += 1
                first = present[entry.start_ns]
                present[entry.start_ns] = first._replace(must=first.must or must)
            else:
                present[entry.start_ns] = _Window(entry, must)

    def _settle_duplicate(self, entry: WindowEntry) -> None:
        if self._known.isdisjoint(_names(entry)) and not self._is_cut:
            self._account.shares["missing"] += 1
            self._account.blame("missing", f"{entry.identity}, refused as a duplicate of nothing", entry.place)
        else:
            self._account.shares["duplicates"] += 1

    def _settle(self, found: list[_Window], homes: list[Home]) -> None:
        """Windows of the same content, and the samples that hold it."""
        for home in homes[: len(found)]:
            self._account.shares[home.kind] += 1
        for home in homes[len(found) :]:
            self._settle_surplus([one.entry for one in found], home)
        # Those that may wait come last: if fewer are in samples than there are, it is rather these that are not.
        for window in sorted(found, key=lambda one: not one.must)[len(homes) :]:
            self._settle_missing(window.entry, window.must)

    def _settle_surplus(self, found: list[WindowEntry], home: Home) -> None:
        if self._is_cut and not found:
            self._account.notes["in samples, sent before the log begins"] += 1
        elif found:
            self._account.blame("twice", found[0].identity, found[0].place, home.place)
        else:
            self._account.blame("from nowhere", "a window of a sample", home.place)

    def _settle_missing(self, entry: WindowEntry, must: bool) -> None:
        if not must:
            self._account.shares["waiting"] += 1
        elif any(self._reach.may_be_gone(topic, entry.sent_ms) for topic in self._samples.topics):
            self._account.shares[GONE] += 1
        else:
            self._account.shares["missing"] += 1
            self._account.blame("missing", entry.identity, entry.place)

    @property
    def _is_cut(self) -> bool:
        return not self._topics.isdisjoint(self._reach.kept_from_ms)


def _names(entry: WindowEntry) -> list[int]:
    """Hashes of what makes a window known when it comes again."""
    names = [hash((entry.source_id, entry.modality, entry.start_ns))]
    if entry.window_id is not None:
        names.append(hash((entry.source_id, entry.modality, entry.window_id)))
    return names
