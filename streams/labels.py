"""Labels as the shared modality: windows of one step made of what samples are labelled. Performs no I/O, no clock.

Who labels the same is bound as if a sensor had seen the same. A label becomes a fixed vector, the same in every process
and for ever: nothing is learned of what labels there are, and new ones may come at any time.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from encoders.modality import ModalitySpec
from encoders.scaling import Scaling
from streams.recent import Recent
from streams.records import Label, Sample

LabelKind: TypeAlias = Literal["exact", "text"]

# No sensor may have this name.
LABEL = "label"
# Numbers that say what the label is, and numbers that are the sample's own.
LABEL_DIM, OWN_DIM = 112, 16
# Of a vector's square, the sample's own part. Without it equal labels were equally near: all would be bound to the
# same few, and a graph of an index would fall into islands.
OWN_SHARE = 0.1
# Texts are compared by their runs of so many characters.
SHORTEST_RUN, LONGEST_RUN = 2, 4
REMEMBERED_LABELS = 10_000
# A scale that makes the sample's own part vanish for all that is learned.
HIDDEN_SCALE = 1e9

LABEL_SPEC = ModalitySpec(name=LABEL, n_channels=LABEL_DIM + OWN_DIM, n_steps=1, rate_hz=1.0)
LABEL_SCALING = Scaling(
    center=np.zeros(LABEL_DIM + OWN_DIM, np.float32),
    scale=np.repeat(np.array([1, HIDDEN_SCALE], np.float32), (LABEL_DIM, OWN_DIM)),
    n_windows=1,
)


class LabelWindows:
    """Windows `[1, 128]` float32 of labels, of length `sqrt(128)`.

    The cosine of two is nine tenths of how alike the labels are, give or take a few hundredths by the samples' own
    part. "exact": 1 for equal labels, about 0 (sd 0.09) for any others. "text": the share of runs of 2 to 4 characters
    that two texts have in common, so that "walking upstairs" and "walking downstairs" are partly alike; case and
    punctuation do not count. Numbers are always exact, and so are texts without a letter.

    Args:
        kind: Which of the two.
    """

    def __init__(self, kind: LabelKind) -> None:
        self._kind = kind
        self._known: Recent[str, np.ndarray] = Recent(REMEMBERED_LABELS)

    def __call__(self, label: Label, sample_id: str) -> np.ndarray:
        """The window of a label, with that sample's own part."""
        own = np.frombuffer(hashlib.blake2b(sample_id.encode(), digest_size=OWN_DIM).digest(), np.uint8) - 127.5
        parts = [np.sqrt(1 - OWN_SHARE) * self._direction(str(label)), np.sqrt(OWN_SHARE) * _unit(own)]
        window: np.ndarray = np.sqrt(LABEL_SPEC.n_channels) * np.concatenate(parts)[None]
        return window.astype(np.float32)

    def scaled(self, labels: Sequence[Label]) -> np.ndarray:
        """Windows `[N, 1, 128]` of labels of no sample, as a trained encoder wants them: what to be named by."""
        return LABEL_SCALING.apply(np.stack([self(label, "") for label in labels]))

    def _direction(self, text: str) -> np.ndarray:
        """The unit vector `[112]` of a label."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = _text_direction(text) if self._kind == "text" else _signs(text)
        return known


def label_likeness(windows: np.ndarray) -> np.ndarray:
    """How alike the labels of scaled windows `[N, 1, 128]` are, two by two: `[N, N]` from 0 to 1."""
    rows = windows.reshape(len(windows), -1)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    alike: np.ndarray = np.clip(rows @ rows.T, 0, 1)
    return alike


def n_sensor_windows(sample: Sample) -> int:
    """How many windows of sensors a sample holds: its label's is none."""
    return len(sample.windows) - (LABEL in sample.windows)


def runs_of(text: str) -> set[str]:
    """The runs of characters by which a text is compared; empty if it has no letter."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).casefold()
    words = " ".join(re.findall(r"[^\W_]+", words))
    if not any(character.isalpha() for character in words):
        return set()
    padded = f" {words} "
    return {
        padded[start : start + length]
        for length in range(SHORTEST_RUN, LONGEST_RUN + 1)
        for start in range(len(padded) - length + 1)
    }


def _text_direction(text: str) -> np.ndarray:
    # In order, so that the last bits are the same everywhere.
    runs = sorted(runs_of(text))
    return _unit(np.sum([_signs(run) for run in runs], axis=0)) if runs else _signs(text)


def _signs(text: str) -> np.ndarray:
    """A unit vector of plus and minus by a hash of the text: two of them are nearly orthogonal."""
    raw = hashlib.blake2b(text.encode(), digest_size=LABEL_DIM // 8).digest()
    signs: np.ndarray = (2.0 * np.unpackbits(np.frombuffer(raw, np.uint8)) - 1) / np.sqrt(LABEL_DIM)
    return signs


def _unit(vector: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit
