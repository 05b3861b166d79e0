"""Samples, their latest Bindings and the labels that were given, as the topics tell them. Performs no I/O, no clock."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from encoders.modality import ModalitySpec
from streams.records import Binding, Label, LabelRecord, Sample, SampleLabel
from trainer.labelling.described import DescribedSample, described
from trainer.labelling.graph import latest
from trainer.labelling.labelling import label_all

# When something was said, and what.
_Word: TypeAlias = tuple[tuple[int, int], Label | None]


class Fleet:
    """What is known of the last samples, and the labels that follow from it.

    A label may come before its sample, and a Binding too.

    Args:
        specs: Modalities by name.
        shared: The one that binds.
        most_samples: Older ones are let go of, in the order in which they came.
    """

    def __init__(self, specs: Mapping[str, ModalitySpec], shared: str, most_samples: int) -> None:
        self._specs, self._shared, self._most_samples = dict(specs), shared, most_samples
        self._samples: dict[str, DescribedSample] = {}
        self._bindings: dict[str, Binding] = {}
        self._of_sample: dict[str, _Word] = {}
        self._of_time: dict[str, dict[tuple[int, int], _Word]] = {}
        self._n_records = 0
        self.n_let_go = 0

    def __len__(self) -> int:
        return len(self._samples)

    def take_samples(self, samples: Iterable[Sample]) -> None:
        """More samples; of two with one id the first holds."""
        new = {one.sample_id: one for one in reversed(list(samples)) if one.sample_id not in self._samples}
        self._samples |= {one.sample_id: one for one in described(list(reversed(new.values())), self._specs)}
        for sample_id in list(self._samples)[: max(0, len(self._samples) - self._most_samples)]:
            self._let_go(sample_id)
            self.n_let_go += 1

    def take_bindings(self, bindings: Iterable[Binding]) -> None:
        """More Bindings, in the order of the log; what became of a sample last holds."""
        self._bindings = latest(bindings, self._bindings)
        if len(self._bindings) > 2 * self._most_samples:
            self._bindings = {name: one for name, one in self._bindings.items() if name in self._samples}

    def take_labels(self, records: Iterable[LabelRecord], at_ms: int = 0) -> None:
        """More of what somebody knows, checked: the last word holds.

        Args:
            records: In order.
            at_ms: When they were said; of what was said at once, what is taken last.
        """
        for record in records:
            said = ((at_ms, self._n_records), record.label)
            self._n_records += 1
            if record.sample_id is not None:
                before = self._of_sample.get(record.sample_id, said)
                self._of_sample[record.sample_id] = max(before, said, key=_when)
            elif record.source_id is not None and record.start_ns is not None and record.end_ns is not None:
                words, time = self._of_time.setdefault(record.source_id, {}), (record.start_ns, record.end_ns)
                words[time] = max(words.get(time, said), said, key=_when)

    def forget(self, source_id: str) -> None:
        """Lets go of all samples of a source."""
        for sample_id in [one.sample_id for one in self._samples.values() if one.source_id == source_id]:
            self._let_go(sample_id)

    @property
    def given(self) -> dict[str, Label]:
        """The labels of the samples that are there, by their ids, as somebody said them."""
        found = {sample_id: self._last_word(one) for sample_id, one in self._samples.items()}
        return {sample_id: label for sample_id, label in found.items() if label is not None}

    def labels(self, min_probability: float = 0.0) -> list[SampleLabel]:
        """Of each sample what is known, in the order in which they came.

        Args:
            min_probability: What is less probable is not known.
        """
        samples, given = list(self._samples.values()), self.given
        found = label_all(samples, self._bindings, given, self._shared)
        return [
            _label(one, found.best(place, 0.0 if one.sample_id in given else min_probability), one.sample_id in given)
            for place, one in enumerate(samples)
        ]

    def _last_word(self, sample: DescribedSample) -> Label | None:
        words = [
            said
            for (start_ns, end_ns), said in self._of_time.get(sample.source_id, {}).items()
            if start_ns <= sample.middle_ns < end_ns
        ]
        if sample.sample_id in self._of_sample:
            words.append(self._of_sample[sample.sample_id])
        return max(words, key=_when)[1] if words else None

    def _let_go(self, sample_id: str) -> None:
        del self._samples[sample_id]
        self._bindings.pop(sample_id, None)


def _when(word: _Word) -> tuple[int, int]:
    return word[0]


def changed(labels: Sequence[SampleLabel], before: Mapping[str, SampleLabel], min_change: float) -> list[SampleLabel]:
    """Those that are not as they were: another label, given or told otherwise, or a probability that moved so far.

    Args:
        labels: As they are.
        before: As they were told last, by sample id.
        min_change: Of a probability.
    """
    return [one for one in labels if _is_news(one, before.get(one.sample_id), min_change)]


def _is_news(label: SampleLabel, before: SampleLabel | None, min_change: float) -> bool:
    if before is None or (label.label, label.given) != (before.label, before.given):
        return True
    moved = abs((label.probability or 0.0) - (before.probability or 0.0))
    return moved > 0 and moved >= min_change


def _label(sample: DescribedSample, best: tuple[Label, float] | None, is_given: bool) -> SampleLabel:
    label, probability = best or (None, None)
    return SampleLabel(
        sample_id=sample.sample_id,
        source_id=sample.source_id,
        start_ns=sample.start_ns,
        label=label,
        probability=None if probability is None else round(probability, 4),
        given=is_given,
    )
