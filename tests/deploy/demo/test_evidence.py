"""What is concluded from the topics' records alone."""

import numpy as np

from deploy.demo.evidence import Evidence
from encoders.bundle import ModelBundle
from encoders.scaling import Scaling
from streams.messages.codec import encode_batch
from streams.messages.message import Message
from streams.models.channels import decision_record, move_record, version_record
from streams.records import Binding, Decision, FollowerReport, Sample
from tests.support.models import bundle


def published(evidence: Evidence, version: int, passed: bool) -> ModelBundle:
    """A version and the decision on it, as the trainer writes them; the channel does not move yet."""
    found = bundle(version)
    for record in (
        version_record(found.manifest),
        decision_record(Decision(version=version, passed=passed, reason="for the test")),
    ):
        apply(evidence, record)
    return found


def apply(evidence: Evidence, record: tuple[bytes, bytes]) -> None:
    evidence.apply_model(Message("models", 0, 0, *record))


def run(evidence: Evidence, version: int, *followers: str) -> None:
    """Followers say that they run it."""
    for name in followers:
        evidence.followers[name] = FollowerReport(follower_id=name, version=version, at_ns=0)


def test_followers_of_the_version_before_do_not_run_one_that_passed_and_whose_move_is_not_read_yet() -> None:
    evidence = Evidence()
    run(evidence, 0, "worker", "consumer")
    assert evidence.all_run_the_last("stable")
    published(evidence, 1, passed=True)
    assert not evidence.all_run_the_last("stable")
    apply(evidence, move_record(evidence.models, "stable", 1, "better", "test", at_ns=1))
    assert not evidence.all_run_the_last("stable")
    run(evidence, 1, "worker")
    assert not evidence.all_run_the_last("stable")
    run(evidence, 1, "consumer")
    assert evidence.all_run_the_last("stable")


def test_a_version_that_the_gate_refused_is_not_waited_for() -> None:
    evidence = Evidence()
    run(evidence, 0, "worker", "consumer")
    published(evidence, 1, passed=False)
    assert evidence.all_run_the_last("stable")


def test_one_follower_is_not_all() -> None:
    evidence = Evidence()
    run(evidence, 0, "worker")
    assert not evidence.all_run_the_last("stable")


def test_a_sample_that_was_asked_twice_does_not_stand_for_one_that_never_was() -> None:
    evidence = Evidence()
    scaling = Scaling(center=np.zeros(1), scale=np.ones(1), n_windows=1)
    values = np.zeros((2, 1), np.float32)
    for name in ("a@1", "b@1"):
        sample = Sample(sample_id=name, source_id=name[0], start_ns=0, windows={"m": values}, scaling={"m": scaling})
        evidence.keep_samples(Message("samples", 0, 0, b"", encode_batch([sample])))
    for again in (0, 1):
        binding = Binding(sample_id="a@1", round=again, model_version=0, outcome="alone", partners=())
        evidence.keep_bindings(Message("pairs", 0, again, b"", encode_batch([binding])))
    assert (len(evidence.samples), len(evidence.bindings), evidence.n_bound) == (2, 2, 1)
