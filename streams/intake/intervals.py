"""Which integers were seen, remembered for ever in little space. Performs no I/O."""

from bisect import bisect_right


class Intervals:
    """A growing set of integers, kept as at most `limit` ranges.

    Beyond the limit the lowest gap is forgotten: its integers then count as contained, all others stay exact.
    """

    def __init__(self, limit: int = 256) -> None:
        self._limit = limit
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self._lasts[place]

    def __len__(self) -> int:
        """How many ranges are kept."""
        return len(self._firsts)

    def add(self, number: int) -> None:
        """Makes the number a member."""
        right = bisect_right(self._firsts, number)
        left = right - 1
        if left >= 0 and number <= self._lasts[left]:
            return
        joins_left = left >= 0 and self._lasts[left] == number - 1
        joins_right = right < len(self._firsts) and self._firsts[right] == number + 1
        if joins_left and joins_right:
            self._lasts[left] = self._lasts[right]
            self._remove(right)
        elif joins_left:
            self._lasts[left] = number
        elif joins_right:
            self._firsts[right] = number
        else:
            self._firsts.insert(right, number)
            self._lasts.insert(right, number)
        if len(self._firsts) > self._limit:
            self._lasts[0] = self._lasts[1]
            self._remove(1)

    def _remove(self, place: int) -> None:
        del self._firsts[place], self._lasts[place]
