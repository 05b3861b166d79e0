"""The versions that a process embeds with: the one it serves, and beside it the one on trial."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from encoders.bundle import ModelBundle
from encoders.errors import MmbindError
from encoders.loaded_model import LoadedModel
from encoders.scaling import Scaling
from streams.features import FeatureMaker
from streams.labels import LABEL
from streams.models.use import RecentRows, Use, linear_cka
from streams.records import Sample, VersionUse

# The windows that a version is given: it takes those for which it has encoders.
# Whose scaling raw windows were given: the one that the stream tells, or one of what came here.
ScaledBy: TypeAlias = Literal["stream", "own"]
WindowsFor = Callable[[LoadedModel], Mapping[str, np.ndarray]]


def loaded(bundle: ModelBundle, device: str) -> LoadedModel:
    """The model of a bundle, ready to embed; raises as `encoders.nets.load_encoders` does."""
    # Here, so that a process that only sends windows needs no torch.
    from encoders.nets import load_encoders

    return LoadedModel(bundle.manifest, load_encoders(bundle, device=device), bundle.bridge)


def windows_of(sample: Sample) -> WindowsFor:
    """Those windows of a sample for which there are encoders, its label's left out, scaled."""

    def known_to(model: LoadedModel) -> dict[str, np.ndarray]:
        names = [name for name in sample.windows if name in model.encoders and name != LABEL]
        return {name: sample.scaled(name)[None] for name in names}

    return known_to


class NoModelYet(MmbindError, RuntimeError):  # noqa: N818 - it says what is so
    """No version has been loaded so far: see `ModelFollower.wait_for`."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Fused embeddings `[N, dim]`, unit rows, all by one version; by modality who scaled, where raw windows came."""

    version: int
    rows: Float[np.ndarray, "n dim"]
    scaled_by: Mapping[str, ScaledBy] = field(default_factory=dict)


class VersionInUse:
    """One version's model and how it does; its calls may come from many threads.

    Args:
        model: The version, which is taken up now.
    """

    def __init__(self, model: LoadedModel) -> None:
        self.model = model
        self.use = Use(model.version, time.time_ns())

    @cached_property
    def features(self) -> FeatureMaker:
        """Made when it is asked for first: where two threads ask at once each may make one, to the same bits."""
        return FeatureMaker(self.model)

    def embed(self, windows_for: WindowsFor, scaling: Mapping[str, Scaling] | None) -> tuple[Embedded, bool]:
        """The embeddings, counted, and whether they are finite; raises as LoadedModel.embed does, counted as well."""
        start_s = time.perf_counter()
        windows: Mapping[str, np.ndarray] = {}
        rows = None
        try:
            windows = windows_for(self.model)
            rows = self.model.embed(windows, scaling)
        finally:
            is_good = rows is not None and bool(np.isfinite(rows).all())
            self.use.add(time.perf_counter() - start_s, windows, rows if is_good else None)
        return Embedded(self.model.version, rows), is_good


class Serving:
    """What a process embeds with at one time. Never changes: a call that holds one stays with its versions.

    Args:
        present: The version that is served; None before the first.
        trial: The version on trial.
        hands_out: Whether the results of the one on trial are given, where there are any.
    """

    def __init__(
        self, present: VersionInUse | None = None, trial: VersionInUse | None = None, hands_out: bool = False
    ) -> None:
        self.present, self.trial, self._hands_out = present, trial, hands_out
        self._both = RecentRows()

    def with_present(self, present: VersionInUse | None) -> "Serving":
        """The same with this one served; a trial of it is over."""
        tried, served = self.trial, present
        if tried is not None and served is not None and tried.model is served.model:
            return Serving(served)
        return Serving(served, tried, self._hands_out)

    def with_trial(self, trial: VersionInUse | None, hands_out: bool = False) -> "Serving":
        """The same with this one on trial; what is known of how the two agree stays, where they are the same."""
        changed = Serving(self.present, trial, hands_out)
        if trial is self.trial:
            changed._both = self._both
        return changed

    def embed(self, windows_for: WindowsFor, scaling: Mapping[str, Scaling] | None) -> Embedded:
        """Embeddings by the present version, or by the one on trial where that is handed out and has no error.

        Both are asked, one after the other, and each counts its calls and errors for itself.

        Raises:
            NoModelYet: Before the first version.
            ValueError: If the windows do not fit the present version, and the one on trial does not stand in for it.
        """
        served, is_good = None, False
        refusal: Exception = NoModelYet("no model yet: wait_for(version, timeout_s) waits for one")
        if self.present is not None:
            try:
                served, is_good = self.present.embed(windows_for, scaling)
            except Exception as error:  # may be what the windows deserve: known when the other one was asked
                refusal = error
        tried = self._tried(windows_for, scaling)
        if served is not None and is_good and tried is not None and self.trial is not None:
            self._both.add(windows_for(self.trial.model), served.rows, tried.rows)
        chosen = tried if self._hands_out and tried is not None else served
        if chosen is None:
            raise refusal
        return chosen

    def _tried(self, windows_for: WindowsFor, scaling: Mapping[str, Scaling] | None) -> Embedded | None:
        if self.trial is None:
            return None
        try:
            tried, is_good = self.trial.embed(windows_for, scaling)
        except Exception:  # counted; whoever embeds has the present version
            return None
        return tried if is_good else None

    def told(self) -> tuple[VersionUse | None, VersionUse | None, float | None]:
        """How the present version does, how the one on trial, and how far they agree."""
        both = self._both.matrices()
        return (
            self.present.use.told() if self.present else None,
            self.trial.use.told() if self.trial else None,
            linear_cka(*both) if both else None,
        )
