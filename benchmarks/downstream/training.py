"""Encoders from one pass of a rotation's stream: ours, and those that they are compared with."""

import tempfile

from benchmarks.default_settings import loop_settings
from benchmarks.downstream.people import Rotation
from benchmarks.learning.pairs import bind_as_mmbind
from benchmarks.learning.score import Weights, weights_of
from benchmarks.slots import SPACING_S
from deploy.recordings.recordings import Recordings
from deploy.replay.loop import Loop
from deploy.settings.config import Settings
from streams.models.registry import Registry
from trainer.controls import replay_bindings, spread_steps

# Cycles of a stream, however long it is, as in `benchmarks.learning`.
CYCLES = 10
OURS, NATURAL, MMBIND = "ours", "natural", "mmbind"


def trained(rotation: Rotation, seed: int, n_steps: int) -> dict[str, Weights]:
    """The encoders of each arm after one pass of the same stream, with as many steps and the same seed.

    Ours is the product's whole loop with its loss. Natural edges only and MMBind's rule, top-1 by raw cosine with its
    weights, have the plain loss.
    """
    stream = rotation.stream(seed)
    settings = _settings(stream, seed, n_steps)
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(settings, Registry(folder))
        loop.replay(stream.visible)
    return {OURS: weights_of(loop.learner), **_controls(loop, settings)}


def _settings(stream: Recordings, seed: int, n_steps: int) -> Settings:
    settings = loop_settings(stream, stream.held_out, seed)
    taught = {(one.source_id, one.start_ns) for one in stream.visible if one.source_id not in stream.held_out}
    trainer = settings.trainer.model_copy(update={"cycle_bindings": -(-len(taught) // CYCLES)})
    ingest = settings.ingest.model_copy(update={"hop_s": SPACING_S, "grace_s": 2 * SPACING_S})
    return settings.model_copy(update={"trainer": spread_steps(trainer, len(taught), n_steps), "ingest": ingest})


def _controls(loop: Loop, settings: Settings) -> dict[str, Weights]:
    softening = settings.trainer.softening.model_copy(update={"enabled": False})
    plain = settings.trainer.model_copy(update={"softening": softening})
    shared, specs = settings.shared_modality, settings.specs
    first = [one for one in loop.bindings if not one.round]
    natural = replay_bindings(first, loop.samples, specs, shared, plain, "natural")
    ordered = [loop.samples[one.sample_id] for one in first if one.outcome != "held-out"]
    bindings = bind_as_mmbind(ordered, shared, is_online=True)
    by_similarity = plain.model_copy(update={"edge_weight": "similarity"})
    mmbind = replay_bindings(bindings, loop.samples, specs, shared, by_similarity)
    return {NATURAL: weights_of(natural), MMBIND: weights_of(mmbind)}
