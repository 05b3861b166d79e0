"""Each round of a review is noted as it comes."""

from benchmarks.reliability.rounds import follow
from deploy.recordings.recordings import Recordings


def test_a_round_is_noted_with_the_samples_so_far_and_the_truth(recordings: Recordings) -> None:
    course = follow("synthetic", recordings)
    n_samples = [point.n_samples for point in course.points]
    assert n_samples == sorted(n_samples) and n_samples
    assert course.points[-1].true > course.chance
    # Of three classes one in three pairs is alike.
    assert 0.2 < course.chance < 0.5
