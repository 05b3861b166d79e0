"""A small run whose figures can be counted by hand, and the report of it."""

import numpy as np

from deploy.report.pair_figures import judge_pairs
from deploy.report.report import Report, note_pairs
from deploy.report.retrieval import Difference
from encoders.scaling import Scaling
from streams.records import Binding, Outcome, Partner, Sample

UNIT = Scaling(center=np.zeros(2, np.float32), scale=np.ones(2, np.float32), n_windows=1)


def sample(sample_id: str, *modalities: str, label: str | None = None, values: np.ndarray | None = None) -> Sample:
    """The sample `SOURCE@SLOT`, a second a slot."""
    source, slot = sample_id.split("@")
    return Sample(
        sample_id=sample_id,
        source_id=source,
        start_ns=int(slot) * 10**9,
        windows={name: np.ones((1, 2), np.float32) if values is None else values for name in modalities},
        scaling=dict.fromkeys(modalities, UNIT),
        label=label,
    )


def binding(sample_id: str, *partners: tuple[str, float], version: int = 0, again: int = 0) -> Binding:
    """A Binding with these partners and their probabilities, `again` of a later round."""
    outcome: Outcome = "bound" if partners else "alone"
    ends = tuple(Partner(sample_id=one, similarity=0.5, probability=share) for one, share in partners)
    return Binding(sample_id=sample_id, round=again, model_version=version, outcome=outcome, partners=ends)


LABELS = {"a@0": "walk", "b@0": "walk", "c@0": "sit", "d@0": "walk"}
SAMPLES = {name: sample(name) for name in LABELS}
STREAM = [
    binding("a@0"),
    binding("b@0", ("a@0", 1.0)),
    binding("c@0", ("b@0", 0.5), ("a@0", 0.5)),
    binding("d@0", ("c@0", 0.75), ("b@0", 0.25)),
]


def filled() -> Report:
    """A report with something of everything."""

    def figures(cmap: float) -> dict[str, dict[str, float]]:
        return {"x->y": {"cmap": cmap, "r_at_1": cmap, "chance_cmap": 0.1, "chance_r_at_1": 0.1}}

    report = Report(
        windows_in=8,
        windows_lost=0,
        samples=4,
        rejects=0,
        bindings=4,
        pairs=5,
        pairs_by_version={0: 3, 1: 2},
        samples_alone=1,
        retrieval=figures(0.4),
        retrieval_natural_only=figures(0.3),
        retrieval_random=figures(0.2),
        retrieval_oracle=figures(0.5),
        retrieval_by_version={1: figures(0.35), 2: figures(0.4)},
        differences=[Difference(control="natural only", difference=0.1, error=0.09)],
    )
    note_pairs(report, judge_pairs(STREAM, SAMPLES, LABELS))
    report.series.loss, report.series.loss_steps = [4.0, 3.0, 2.5], [1, 2, 3]
    report.series.steps_of_version = {1: 2, 2: 3}
    return report
