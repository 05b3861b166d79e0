"""Windows in = in samples + rejected + duplicates + waiting. Performs no I/O.

A window is found again in a sample by its source, modality and values: a sample does not say when each of its windows
started. Where a sensor sends the same values several times, as many samples must hold them as there were windows; where
the log is cut, a sample too many is one whose window was deleted, unless it starts with another of the same values.
"""

from collections.abc import Iterable

from deploy.audit.account import GONE, Account, Reach, WindowEntry
from deploy.audit.homes import Home
from deploy.audit.reject_account import RejectBook
from deploy.audit.sample_account import SampleBook

DUPLICATE = "duplicate"


def window_account(
    windows: Iterable[WindowEntry], rejects: RejectBook, samples: SampleBook, reach: Reach, hop_ns: int
) -> Account:
    """What became of each record of the windows topics.

    Args:
        windows: All of them, in the order of each partition.
        rejects: Why records were refused.
        samples: What `sample_account` found.
        reach: How far the worker is, and how far back the topics go.
        hop_ns: The windows of one source within a hop form a sample.
    """
    return _Windows(rejects, samples, reach, hop_ns).account(windows)


class _Windows:
    def __init__(self, rejects: RejectBook, samples: SampleBook, reach: Reach, hop_ns: int) -> None:
        self._account = Account("windows")
        self._hop_ns = hop_ns
        self._rejects, self._samples, self._reach = rejects, samples, reach
        self._seen: set[int] = set()  # hashes of content and start
        self._known: set[int] = set()  # hashes of what makes a window known when it comes again
        self._duplicates: list[WindowEntry] = []
        self._topics: set[str] = set()

    def account(self, windows: Iterable[WindowEntry]) -> Account:
        """What became of each window, and those to blame."""
        for entry in windows:
            self._topics.add(entry.place.topic)
            share = self._share(entry)
            if share is not None:
                self._account.shares[share] += 1
        for entry in self._duplicates:
            is_of_one = self._is_cut or not self._known.isdisjoint(_names(entry))
            share = "duplicates" if is_of_one else self._missing(entry, f"{entry.identity}, a duplicate of nothing")
            self._account.shares[share] += 1
        for taker, home in self._samples.homes.left():
            self._blame_surplus(taker, home)
        return self._account

    def _share(self, entry: WindowEntry) -> str | None:
        """What became of it; None where that is only known at the end."""
        reason = self._rejects.reason(entry.place)
        if reason == DUPLICATE:
            self._duplicates.append(entry)
            return None
        if reason is not None:
            return "rejected"
        if entry.content is not None:
            self._known.update(_names(entry))
            window = hash((entry.content, entry.start_ns))
            if window in self._seen:
                return "duplicates"  # it came again after a restart: the worker drops what lies in a sample already
            self._seen.add(window)
            if home := self._samples.homes.take(entry):
                return home.kind
        return self._missing(entry, entry.identity) if self._reach.is_done(entry.place) else "waiting"

    def _missing(self, entry: WindowEntry, identity: str) -> str:
        if any(self._reach.may_be_gone(topic, entry.sent_ms) for topic in self._samples.topics):
            return GONE
        self._account.blame("missing", identity, entry.place)
        return "missing"

    def _blame_surplus(self, entry: WindowEntry | None, home: Home) -> None:
        if entry is not None and (not self._is_cut or 2 * abs(entry.start_ns - home.start_ns) < self._hop_ns):
            self._account.blame("twice", entry.identity, entry.place, home.place)
        elif self._is_cut:
            self._account.notes["in samples, sent before the log begins"] += 1
        else:
            self._account.blame("from nowhere", "a window of a sample", home.place)

    @property
    def _is_cut(self) -> bool:
        return not self._topics.isdisjoint(self._reach.kept_from_ms)


def _names(entry: WindowEntry) -> list[int]:
    """Hashes of what makes a window known when it comes again."""
    names = [hash((entry.source_id, entry.modality, entry.start_ns))]
    if entry.window_id is not None:
        names.append(hash((entry.source_id, entry.modality, entry.window_id)))
    return names
