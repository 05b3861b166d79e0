"""Five acts: a good version, a bad one, one that only consumers find out, an operator's hand, and a broker away."""

import threading
import time
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from benchmarks.rollout.fleet import Fleet
from benchmarks.rollout.sabotage import Sabotage
from benchmarks.rollout.terminal import Terminal
from deploy.demo.services import scrape
from deploy.followers.reading import read_reports
from deploy.followers.standing import standings
from deploy.topics.send import play, producer_of
from encoders.bundle import ModelBundle
from streams.models.registry import Registry
from streams.models.rollout import CANARY
from streams.records import Decision, SensorWindow
from trainer.candidate import Candidate
from trainer.rollout.own_trials import OwnTrials
from trainer.topics.models import KafkaModels
from trainer.topics.publishing import Publisher

SPEED, QUIET_S = 6.0, 15.0


class Story:
    """Each act returns once what it tells has happened, and shows it as an operator sees it.

    Args:
        fleet: Running.
        terminal: Where it is shown.
        windows: What the nodes send, in order of time.
    """

    def __init__(self, fleet: Fleet, terminal: Terminal, windows: Sequence[SensorWindow]) -> None:
        self._fleet, self._terminal, self._channel = fleet, terminal, fleet.settings.registry.channel
        self._first = windows
        unseen = fleet.settings.ingest.held_out_sources
        self._second = [
            replace(one, source_id=f"{one.source_id}-new", window_id=None)
            for one in windows
            if one.source_id not in unseen
        ]

    def good_version(self) -> None:
        """A version is tried by some consumers, and all follow."""
        fleet, terminal = self._fleet, self._terminal
        terminal.say("Nodes stream. The first version is followed at once; later ones that pass the gate are tried by")
        terminal.say("a third of the consumers for ten seconds (trainer.rollout), and then all follow.")
        self._play(self._first)
        fleet.wait(lambda: self._last_reason(self._channel).startswith("passed its trial"), "a trial was passed")
        self._until_quiet()
        self._show("models list", "followers list")

    def bad_version(self) -> None:
        """Pairs are shuffled from here on: what is trained on them stops at the gate."""
        fleet, terminal = self._fleet, self._terminal
        terminal.say("More nodes come, and a worker goes wrong: all pairs, old and new, get partners drawn at random.")
        terminal.say("Two people, of whom no one learns, are labelled: by them the gate sees what such pairs teach.")
        before = max(fleet.view().decisions)
        with Sabotage(fleet.settings) as sabotage:
            self._play(self._second)
            fleet.wait(lambda: self._refused_after(before) > 0, "a version was refused")
            self._until_quiet()
        terminal.show(f"({sabotage.n_shuffled} pairs were shuffled)")
        self._show("models list", f"models show {self._refused_after(before)}")

    def only_consumers_find_out(self) -> None:
        """A version from elsewhere: its own gate passed it, but it makes all windows of a modality alike."""
        fleet, terminal = self._fleet, self._terminal
        terminal.say(
            "A version from elsewhere, whose gate passed it, makes all windows of a modality alike: its trial ends it."
        )
        version = self._publish_from_elsewhere()
        fleet.wait(lambda: self._last_reason(CANARY).startswith(f"version {version} rolled back"), "it was rolled back")
        self._show("models list", "followers list")

    def operator(self) -> None:
        """One command back, a pin, and a refusal."""
        terminal = self._terminal
        terminal.say("The person on call takes a version back, for all.")
        self._show("models rollback --reason night-shift")
        self._until_all_follow()
        self._show("followers list")
        served = self._fleet.view().current(self._channel)
        terminal.say("A pin, and a version that is unknown.")
        self._show(f"models pin {self._channel} {served} --reason holidays", f"models unpin {self._channel}")
        self._show("models promote 99")

    def broker_away(self) -> None:
        """A consumer that starts while the broker is away serves the version that it had."""
        fleet, terminal = self._fleet, self._terminal
        terminal.say("The broker goes away. A consumer that is started now serves what it served last.")
        one = fleet.consumers.pop(0)
        one.stop()
        fleet.broker.stop()
        terminal.run("models list")
        one = fleet.consumer(one.name)
        began_s = time.monotonic()
        one.start()
        try:
            while "the first vectors" not in one.log_tail():
                if time.monotonic() > began_s + 60 or not one.alive:
                    raise RuntimeError(f"{one.name} serves nothing: {one.log_tail()}")
                time.sleep(0.2)
            terminal.show(f"{one.name}, after {time.monotonic() - began_s:.0f} s:\n{one.log_tail(3)}")
        finally:
            one.stop()

    def _play(self, windows: Sequence[SensorWindow]) -> None:
        with producer_of(self._fleet.settings) as producer:
            play(windows, producer, SPEED, threading.Event())

    def _publish_from_elsewhere(self) -> int:
        settings = self._fleet.settings
        models, registry = KafkaModels(settings.broker, settings.topics.prefix), Registry.of(settings.registry)
        view = models.refresh()
        newest = view.newest
        assert newest is not None, "nothing was published so far"
        served = registry.fetch(view.manifests[view.current(self._channel) or 0])
        dead = {
            modality: {name: values * np.float32(name != "head.2.weight") for name, values in weights.items()}
            for modality, weights in served.weights.items()
        }
        manifest = replace(served.manifest, version=newest.version + 1, lineage="")
        trials = OwnTrials(settings, self._fleet.settings.trainer.rollout)
        publisher = Publisher(models, registry, self._channel, time.time_ns, trials=trials)
        publisher.claim(adopt_version=newest.version)
        decision = Decision(version=manifest.version, passed=True, reason="passed elsewhere")
        try:
            return publisher.announce(Candidate(ModelBundle(manifest, dead), decision))
        finally:
            models.close()

    def _show(self, *commands: str) -> None:
        for command in commands:
            self._terminal.run(command)

    def _last_reason(self, channel: str) -> str:
        moves = self._fleet.view().history(channel)
        return moves[-1].reason if moves else ""

    def _refused_after(self, version: int) -> int:
        decisions = self._fleet.view().decisions
        return max((one for one, said in decisions.items() if one > version and not said.passed), default=0)

    def _until_quiet(self) -> None:
        """Nothing is trained, tried or published any more, and all consumers follow."""
        fleet, seen, since_s = self._fleet, (-1.0, 0, 0), time.monotonic()

        def quiet() -> bool:
            nonlocal seen, since_s
            view, shown = fleet.view(), scrape(fleet.settings.runtime.trainer_port)
            n_moves = sum(len(view.history(channel)) for channel in view.channels)
            now = (shown.get("mmbind_train_steps_total", -1.0), len(view.decisions), n_moves)
            if now != seen or view.current(CANARY):
                seen, since_s = now, time.monotonic()
            return time.monotonic() > since_s + QUIET_S

        fleet.wait(quiet, "nothing is under way")
        self._until_all_follow()

    def _until_all_follow(self) -> None:
        settings = self._fleet.settings

        def all_follow() -> bool:
            reports = [one for one in read_reports(settings) if one.details.get("channel") == self._channel]
            return all(one.state == "well" for one in standings(reports, self._fleet.view(), time.time_ns()))

        self._fleet.wait(all_follow, "all follow")
