"""What the modalities that do not bind say of two samples that both have them. Performs no I/O, reads no clock.

Fixed descriptors say it and nothing learned: an encoder that finds everything alike cannot make a pair look right.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec
import numpy as np
from jaxtyping import Bool, Float, Int

from encoders.modality import ModalitySpec
from streams.history.table import SampleTable
from streams.similarity.descriptor import MIN_SPECTRUM_STEPS
from streams.similarity.window_likeness import window_likeness_of

# So many modalities are heard, those that most samples have: each costs as much as one that binds.
# Chosen by hand.
MAX_WITNESSES = 3
# Of a source with fewer samples one cannot tell which are near. Chosen by hand: a tenth are two.
MIN_REFERENCES = 20
# So many windows are enough to tell a sensor from noise; of fewer than the least nothing is said. Chosen by hand.
N_MOMENTS, MIN_MOMENTS = 128, 50
# Standard errors that a share must be above chance by: luck alone does that once in 700 times.
EVIDENCE = 3.0


class Witness(NamedTuple):
    """How alike `[N, N]` the samples of a table are by one modality; NaN where one of a pair lacks it.

    `likeness` is by all that is known of it, `rotation_tolerant_cosines` by what stays the same however its sensor is
    rotated, as far as it has that: a sensor that is rotated with the one that binds would bear out its errors.
    """

    likeness: Float[np.ndarray, "n n"]
    rotation_tolerant_cosines: Float[np.ndarray, "n n"]

    def of(self, places: Int[np.ndarray, " n"]) -> "Witness":
        """What the witness says of some of the samples: those at `places`, in that order."""
        square = np.ix_(places, places)
        return Witness(self.likeness[square], self.rotation_tolerant_cosines[square])


def witnesses_of(table: SampleTable, specs: Mapping[str, ModalitySpec], shared: Collection[str]) -> list[Witness]:
    """The witnesses that a table has, the most frequent modality first; `shared` bind, so they are none.

    One that does not even tell a source's own moments apart is not heard: else a broken one would say that binding
    finds nothing.
    """
    sources = table.sources
    having = {name: table.having(name) for name in specs if name not in shared}
    usual = sorted((name for name in having if len(having[name]) > 1), key=lambda name: -len(having[name]))
    found = []
    for name in usual[:MAX_WITNESSES]:
        places = having[name]
        among = sources[places][:, None] != sources[places][None, :]
        if among.any() and tells_moments_apart(table, specs[name], places):
            found.append(_witness(table, specs[name], places, among))
    return found


def _witness(table: SampleTable, spec: ModalitySpec, places: np.ndarray, among: np.ndarray) -> Witness:
    window_likeness = window_likeness_of(spec)
    # Values that are compared as they are would tell where a sensor stands rather than what it sees.
    is_scaled = spec.n_steps < MIN_SPECTRUM_STEPS
    described = table.described(spec.name, places, window_likeness.described, is_scaled)
    likeness = window_likeness.likeness(described, among)
    if window_likeness.tolerates_rotation:
        likeness = likeness + window_likeness.likeness(described, among, "rotation-tolerant")
    unknown = np.full((2, len(table), len(table)), np.nan, np.float32)
    for full, known in zip(unknown, (likeness, window_likeness.cosines(described, "rotation-tolerant")), strict=True):
        full[np.ix_(places, places)] = known
    return Witness(*unknown)


def tells_moments_apart(table: SampleTable, spec: ModalitySpec, places: Int[np.ndarray, " n"]) -> bool:
    """Whether the two halves of a window are more alike than halves of different windows of the same source.

    What a sensor sees goes on for a while; noise does not. It is also true where it cannot be told.
    """
    if spec.n_steps // 2 < MIN_SPECTRUM_STEPS:
        return True
    half = msgspec.structs.replace(spec, n_steps=spec.n_steps // 2)
    rows = ((place, table.rows[place].windows) for place in places.tolist())
    held = [(place, sample.windows[spec.name]) for place, sample in rows if sample is not None]
    held = held[:: max(1, len(held) // N_MOMENTS)]
    if len(held) < MIN_MOMENTS:
        return True
    likeness, windows = window_likeness_of(half), np.stack([values for _, values in held])
    halves = [likeness.described(part) for part in (windows[:, : half.n_steps], windows[:, -half.n_steps :])]
    alike = likeness.cosines(np.concatenate(halves))[: len(held), len(held) :]
    sources = table.sources[[place for place, _ in held]]
    others = sources[:, None] == sources[None, :]
    np.fill_diagonal(others, val=False)
    n_others = others.sum(axis=1)
    compared = n_others > 0
    nearer = (others & (alike > alike.diagonal()[:, None])).sum(axis=1)[compared] / n_others[compared]
    return len(nearer) < MIN_MOMENTS or are_near(nearer)


def describe_all(table: SampleTable, specs: Mapping[str, ModalitySpec]) -> None:
    """Computes all that may be asked of windows, whose values will not be there any more."""
    for name, spec in specs.items():
        describe, places = window_likeness_of(spec).described, table.having(name)
        for is_scaled in (False, True) if spec.n_steps < MIN_SPECTRUM_STEPS else (False,):
            if len(places):
                table.described(name, places, describe, is_scaled)


def known_pairs(views: Collection[Float[np.ndarray, "n n"]], sources: Int[np.ndarray, " n"]) -> Bool[np.ndarray, "n n"]:
    """Which pairs `[N, N]` are of different sources and known to any of the views `[N, N]`."""
    known = np.zeros((len(sources), len(sources)), bool)
    for view in views:
        known |= ~np.isnan(view)
    known &= sources[:, None] != sources[None, :]
    return known


class Farness(NamedTuple):
    """Of pairs `[n]`: the share of comparable samples `nearer` than the partner, of `among` so many. NaN: unknown.

    Comparable are other samples of the partner's source, or of all other sources where that has too few: who wears a
    sensor shows in it, and should not count.
    """

    nearer: Float[np.ndarray, " m"]
    among: Int[np.ndarray, " m"]

    def agree(self, share: float) -> Bool[np.ndarray, " m"]:
        """Whether each partner is among this share of the nearest."""
        agree: np.ndarray = self.nearer * self.among < share * self.among
        return agree

    def chance(self, share: float) -> float:
        """How often a comparable sample would agree, in the mean over pairs."""
        among = self.among[~np.isnan(self.nearer)]
        return float((np.ceil(share * among) / among).mean()) if len(among) else np.nan


def farness(
    view: Float[np.ndarray, "n n"],
    sources: Int[np.ndarray, " n"],
    rows: Int[np.ndarray, " m"],
    partners: Int[np.ndarray, " m"],
) -> Farness:
    """How far each of `rows` is from its partner by one view `[N, N]`, the likeness that a witness sees."""
    likeness, theirs = view[rows], sources[partners][:, None]
    known = ~np.isnan(likeness)
    known[np.arange(len(rows)), rows] = False
    comparable = known & (sources[None, :] == theirs)
    few = comparable.sum(axis=1) < MIN_REFERENCES
    comparable[few] = (known & (sources[None, :] != sources[rows][:, None]))[few]
    among = comparable.sum(axis=1)
    own = view[rows, partners]
    nearer = (comparable & (likeness > own[:, None])).sum(axis=1)
    is_known = ~np.isnan(own) & (rows != partners) & (among >= MIN_REFERENCES)
    return Farness(np.where(is_known, nearer / np.maximum(among, 1), np.nan), among)


def are_near(nearer: Float[np.ndarray, " n"]) -> bool:
    """Whether fewer than half of all are nearer, as shares that luck spreads evenly would hardly show."""
    return bool(0.5 - nearer.mean() > EVIDENCE * np.sqrt(1 / 12 / len(nearer)))


def look_alikes(
    likeness: Float[np.ndarray, "n n"], sources: Int[np.ndarray, " n"], rows: Int[np.ndarray, " m"]
) -> Int[np.ndarray, " m"]:
    """For each row the sample of its source that is most like it: itself, where there is no other."""
    own = sources[rows][:, None] == sources[None, :]
    own[np.arange(len(rows)), rows] = False
    return _most_alike(likeness, own, rows)


def echoes(
    view: Float[np.ndarray, "n n"], sources: Int[np.ndarray, " n"], rows: Int[np.ndarray, " m"]
) -> Int[np.ndarray, " m"]:
    """For each row, of whom a view finds most like it in other sources, the look-alike: another chance to agree."""
    others = sources[rows][:, None] != sources[None, :]
    return look_alikes(view, sources, _most_alike(view, others, rows))


def _most_alike(likeness: np.ndarray, usable: np.ndarray, rows: np.ndarray) -> np.ndarray:
    usable &= ~np.isnan(likeness[rows])
    found: np.ndarray = np.where(usable.any(axis=1), np.where(usable, likeness[rows], -np.inf).argmax(axis=1), rows)
    return found
