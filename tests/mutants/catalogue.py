"""Which lines are made wrong: those whose loss a user would notice in pairs or in models, and no test by luck."""

from tests.mutants.mutation import Mutation
from tests.mutants.parts import (
    arrival,
    bridging,
    client,
    downstream,
    files,
    follower,
    generations,
    judging,
    labelling,
    onnx,
    pace,
    precision,
    raw,
    replay,
    review,
    rollout,
    rounds,
    settings,
    similarity,
    simulating,
    speed,
    step,
    top,
    trust,
)

PARTS = {
    "arrival": arrival.MUTATIONS,
    "similarity": similarity.MUTATIONS,
    "precision": precision.MUTATIONS,
    "replay": replay.MUTATIONS,
    "pace": pace.MUTATIONS,
    "generations": generations.MUTATIONS,
    "speed": speed.MUTATIONS,
    "step": step.MUTATIONS,
    "judging": judging.MUTATIONS,
    "labelling": labelling.MUTATIONS,
    "review": review.MUTATIONS,
    "rollout": rollout.MUTATIONS,
    "rounds": rounds.MUTATIONS,
    "downstream": downstream.MUTATIONS,
    "follower": follower.MUTATIONS,
    "client": client.MUTATIONS,
    "top": top.MUTATIONS,
    "trust": trust.MUTATIONS,
    "files": files.MUTATIONS,
    "bridging": bridging.MUTATIONS,
    "raw": raw.MUTATIONS,
    "simulating": simulating.MUTATIONS,
    "onnx": onnx.MUTATIONS,
    "settings": settings.MUTATIONS,
}
MUTATIONS = tuple(mutation for part in PARTS.values() for mutation in part)


def part_of(mutation: Mutation) -> str:
    """The part that it stands in."""
    return next(name for name, mutations in PARTS.items() if mutation in mutations)
