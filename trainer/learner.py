"""The trainer's core: Bindings in, cycles of steps, encoders out. Performs no I/O and reads no clock.

The service, the offline replay and the controls all run this one class. It is deterministic in the order of the
Bindings, the seed and what its service chooses, `cycles.pace` and `extra_step`, which stands in its state; and
`Learner(..., state=learner.snapshot(), samples=...)` goes on bit by bit alike.
"""

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import closing
from itertools import combinations

from encoders.modality import ModalitySpec
from streams.records import Binding, Sample
from trainer.cycles import Cycles
from trainer.judging.evaluation import PAIR_PRECISION, PAIRS_UNKNOWN
from trainer.judging.held_out import Evaluation, HeldOut
from trainer.replay.buffer import Identity, PartnerRule, ReplayBuffer
from trainer.replay.partners import bound_partner
from trainer.settings import TrainerSettings
from trainer.state import CycleReport, LearnerState, Weights, joined_arrays
from trainer.step.edges import EdgeBatch
from trainer.step.ranks import OtherRanks
from trainer.step.step import StepResult, TrainStep
from trainer.taught import Taught


class Learner:
    """Takes Bindings in, trains a cycle after every `cycle_bindings` new samples, judges itself on held-out samples.

    All modalities of `specs` have an encoder from the start, so that one whose first window comes late joins without
    the others changing. Only those that took part in a step go into a bundle.

    Args:
        specs: Modalities by name.
        shared: The shared modality.
        settings: Of the trainer; its seed decides all randomness.
        rule: Chooses partners; the Bindings' own without it.
        state: To go on from.
        samples: Where the state's samples are found; missing ones are left out and counted in `n_missing`.
        device: Torch's name of it.
        forgotten: Sources of which nothing is taken; may grow, and `forget` says so.
        ranks: Other processes, a batch of each step for each.
    """

    def __init__(
        self,
        specs: Mapping[str, ModalitySpec],
        shared: str,
        settings: TrainerSettings,
        *,
        rule: PartnerRule | None = None,
        state: LearnerState | None = None,
        samples: Mapping[str, Sample] | None = None,
        device: str = "cpu",
        forgotten: Container[str] = frozenset(),
        ranks: OtherRanks | None = None,
    ) -> None:
        self.specs, self.shared, self.settings, self._device = dict(specs), shared, settings, device
        self._forgotten, facts = forgotten, state.facts if state else {}
        self.counts: Counter[str] = Counter(facts.get("counts", {}))
        self.best_version: int | None = facts.get("best_version")
        self._n_refused = int(facts.get("n_refused", 0))
        self.taught = Taught(facts)
        self._natural: set[tuple[str, str]] = {(one, other) for one, other in facts.get("natural", ())}
        self._best: Weights = state.best if state else {}
        self._admissions: list[Identity] = list(state.admissions) if state else []
        self._step = TrainStep(specs, shared, settings, settings.seed, state.step if state else None, device, ranks)
        self._replay = ReplayBuffer(settings, rule or bound_partner(shared), state.replay if state else None, samples)
        choices, n_batches = state.choices if state else (), self._step.n_batches
        self.cycles = Cycles(settings, lambda: len(self._replay), facts, choices, n_batches)
        known, held_out = samples or {}, facts.get("held_out", [])
        kept = [known[name] for name in held_out if name in known]
        self.held_out = HeldOut(settings.evaluation_max_samples, kept)
        self.n_missing = self._replay.n_missing + len(held_out) - len(kept)

    def admit(self, binding: Binding, samples: Mapping[str, Sample]) -> bool:
        """Takes a Binding into the replay buffer; False if it was there before, is held out or its sample is unknown.

        `counts` tells which: "admitted", "repeated", "held-out", "sample-lost", "forgotten" for one of a source that is
        to be, "outdated" for a later round of a sample that the buffer has let go of.
        """
        sample = samples.get(binding.sample_id) or self._replay.samples.get(binding.sample_id)
        outcome = self._take(binding, sample)
        self.counts[outcome] += 1
        return outcome == "admitted"

    def pass_over(self, sample_id: str, round_: int) -> None:
        """Takes a later round as done, unread, since a still later one of the sample comes before the next cycle.

        What is trained is the same as if it had been admitted. `counts` has it as "superseded".
        """
        is_known, is_held = self.knows(sample_id, round_), sample_id in self._replay
        if is_held and not is_known:
            self._replay.note((sample_id, round_))
            self._admissions.append((sample_id, round_))
        self.counts["repeated" if is_known else "superseded" if is_held else "outdated"] += 1

    def knows(self, sample_id: str, round_: int) -> bool:
        """Whether a Binding with this identity was taken before."""
        return self._replay.knows((sample_id, round_))

    def needs_sample(self, sample_id: str, round_: int) -> bool:
        """Whether `admit` will look for the sample of this Binding among those that it is given."""
        is_here = self.knows(sample_id, round_) or sample_id in self._replay or sample_id in self.held_out
        return not round_ and not is_here

    def _take(self, binding: Binding, sample: Sample | None) -> str:
        if self.knows(binding.sample_id, binding.round):
            return "repeated"
        if binding.round and binding.sample_id not in self._replay:
            return "outdated"
        if sample is None:
            return "held-out" if binding.sample_id in self.held_out else "sample-lost"
        if sample.source_id in self._forgotten:
            return "forgotten"
        if binding.outcome == "held-out" or sample.held_out:
            self.hold_out(sample)
            return "held-out"
        self._replay.admit(binding, sample)
        self._admissions.append((binding.sample_id, binding.round))
        self._natural |= set(combinations(sorted(sample.windows), 2))
        # A later round brings no new data.
        self.cycles.n_new += not binding.round
        return "admitted"

    def hold_out(self, sample: Sample) -> None:
        """Keeps a sample for evaluation, never for training; the latest `evaluation_max_samples` stay."""
        self.held_out.add(sample)

    def forget(self) -> int:
        """Lets go of all samples of forgotten sources, and of their edges; how many. Weights stay as they are."""
        return self._replay.forget(self._forgotten) + self.held_out.forget(self._forgotten)

    @property
    def cycle_due(self) -> bool:
        """Whether enough new samples were admitted since the last cycle."""
        return self.cycles.n_until_next <= 0

    @property
    def buffers(self) -> dict[str, tuple[int, int]]:
        """How many records each buffer holds, and how many it may."""
        return {
            "replay": (len(self._replay), self.settings.replay_samples),
            "held-out": (len(self.held_out), self.settings.evaluation_max_samples),
            "remembered": (self._replay.n_remembered, self.settings.remembered_bindings),
            "unsaved": (len(self._admissions), self.settings.remembered_bindings),
        }

    @property
    def replay_bytes(self) -> int:
        """Of the windows in the replay buffer."""
        return self._replay.n_bytes

    @property
    def sample_ids(self) -> set[str]:
        """Ids of all samples that it holds: to go on from a snapshot they must be found again."""
        return {*self._replay.samples, *self.held_out.sample_ids}

    @property
    def admissions(self) -> Sequence[Identity]:
        """The Bindings admitted since the last `saved()`, in order."""
        return self._admissions

    def run_cycle(self, on_step: Callable[[StepResult], None] | None = None) -> CycleReport:
        """Trains the steps of a cycle on what the buffer holds, due or not.

        An exception of `on_step`, which is called after each, ends the cycle, and with it this learner's use.
        """
        results = []
        with closing(self._step.steps(self._draw, self.cycles.n_steps)) as steps:
            for result in steps:
                self.cycles.note_step(len(self._admissions), is_extra=False)
                results.append(result)
                if on_step is not None:
                    on_step(result)
        self.cycles.note_cycle()
        return CycleReport(self.cycles.n_done, self._step.n_steps, tuple(result.loss for result in results))

    def extra_step(self) -> StepResult:
        """One step more on what the buffer holds, while nothing new comes: see `cycles.extra_left`."""
        (result,) = self._step.steps(self._draw, 1)
        self.cycles.note_step(len(self._admissions), is_extra=True)
        return result

    def _draw(self) -> EdgeBatch:
        self.taught.note(batch := self._replay.draw(self.settings.batch_pairs))
        return batch

    @property
    def trained_modalities(self) -> list[str]:
        """Those that took part in a step."""
        return [name for name in sorted(self.specs) if self.taught.windows[name]]

    def evaluate(self) -> Evaluation:
        """Figures of the trained encoders on the held-out samples, and what their pairs are thought to be worth."""
        confidence, unknown = self._replay.confidence
        evaluation = self._judge(self.trained_weights()).with_figure(PAIRS_UNKNOWN, unknown)
        return evaluation if confidence is None else evaluation.with_figure(PAIR_PRECISION, confidence)

    def evaluate_best(self) -> Evaluation | None:
        """The same figures of the best encoders so far; None if none were crowned."""
        return None if self.best_version is None else self._judge(self._best)

    def crown(self, version: int) -> None:
        """The present encoders, known as `version`, are the best so far."""
        self.best_version, self._best = version, self.trained_weights()

    def note_verdict(self, passed: bool) -> None:
        """A version was judged; where too many in a row were refused, the best encoders are trained further."""
        self._n_refused = 0 if passed else self._n_refused + 1
        if self._best and self._n_refused and self._n_refused == self.settings.gate.refusals_before_return:
            self._step.go_back(self._best)
            self._n_refused = 0

    @property
    def trained(self) -> dict[str, float]:
        """`trained/steps`: how many steps there were; `trained/<modality>/windows`: how many windows each has seen."""
        seen = {f"trained/{name}/windows": float(self.taught.windows[name]) for name in self.trained_modalities}
        return seen | {"trained/steps": float(self._step.n_steps)}

    def trained_weights(self) -> Weights:
        """The encoders' arrays, averaged over the last steps, of those that took part in a step."""
        return {name: own for name, own in self._step.averaged_weights().items() if self.taught.windows[name]}

    def _judge(self, weights: Weights) -> Evaluation:
        return self.held_out.evaluate(self.specs, weights, self._natural, self._device)

    def snapshot(self) -> LearnerState:
        """A copy of all that comes next depends on, but for the samples' windows."""
        step, replay = self._step.state(), self._replay.snapshot()
        facts = {
            "step": step.details,
            "random": replay.random,
            "counts": dict(self.counts),
            **self.cycles.facts(),
            "n_refused": self._n_refused,
            "best_version": self.best_version,
            **self.taught.facts(),
            "natural": sorted(self._natural),
            "held_out": self.held_out.sample_ids,
        }
        arrays, choices = joined_arrays(step, self._best), tuple(self.cycles.choices)
        return LearnerState(arrays, facts, replay.edges, tuple(self._admissions), replay.admitted, choices)

    def saved(self) -> None:
        """The last snapshot is safe: the next one's `admissions` begin here."""
        self._admissions.clear()
        self.cycles.saved()
