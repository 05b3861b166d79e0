"""A picture as a line now and then, with what has changed since the line before. Performs no I/O."""

from deploy.printable import printable
from deploy.top.advice import advice
from deploy.top.figures import precision, rate, rejects, served, total
from deploy.top.picture import Picture


class PlainLines:
    """Remembers what was said last."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def line(self, picture: Picture) -> str:
        """What is new; empty where nothing is."""
        passed = sum(one.passed for one in picture.view.decisions.values())
        now = {
            "windows": f"{picture.worker.total('mmbind_windows_total'):,}",
            "samples": f"{total(picture.samples)} of {len(picture.nodes):,} nodes",
            "rate": rate(picture.samples.per_s(picture.now_ms)),
            "pairs": total(picture.pairs),
            "precision": precision(picture),
            "versions": f"{len(picture.view.manifests)}, {passed} passed",
            "served": served(picture),
            "rejects": rejects(picture),
            "next": advice(picture),
        }
        new = {name: words for name, words in now.items() if self._said.get(name) != words}
        self._said = now
        return printable("; ".join(f"{name}: {words}" for name, words in new.items()))
