"""Rejects, each of a record that is there. Performs no I/O."""

from collections.abc import Collection, Mapping

from deploy.audit.account import GONE, Account, Reach
from deploy.rejects.record import RecordPlace


class RejectBook:
    """Why records were refused, and of which of them the other accounts have asked.

    Args:
        reasons: By place.
        topics: Those that are read: any reject of one of them must be asked of.
    """

    def __init__(self, reasons: Mapping[RecordPlace, str], topics: Collection[str]) -> None:
        self._reasons = reasons
        self._topics = topics
        self._asked: set[RecordPlace] = set()

    def reason(self, place: RecordPlace) -> str | None:
        """Why the record at that place was refused; None if it was not. To be asked of every record that is there."""
        reason = self._reasons.get(place)
        if reason is not None:
            self._asked.add(place)
        return reason

    def account(self, reach: Reach) -> Account:
        """What the rejects are of, once all records were asked of."""
        account = Account("rejects")
        for place, reason in self._reasons.items():
            if place in self._asked:
                account.shares[reason] += 1
            elif place.topic in reach.kept_from_ms:
                account.shares[GONE] += 1
            elif place.topic not in self._topics or place.offset < 0:
                account.shares["of no record that is read here"] += 1
            else:
                account.shares["of no record"] += 1
                account.blame("from nowhere", f"a reject, {reason}", place)
        return account
