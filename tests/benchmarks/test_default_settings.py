"""Settings for recordings are the product's own, but for what the recordings say."""

import pytest

from benchmarks.default_settings import loop_settings, stream_settings
from deploy.recordings.recordings import Recordings
from streams.settings import BindingSettings
from trainer.settings import TrainerSettings


def test_the_loop_has_the_recordings_modalities_and_hop_and_the_trainer_only_a_seed(recordings: Recordings) -> None:
    settings = loop_settings(recordings, ["node-0"], seed=4)
    assert settings.specs == recordings.specs and settings.shared_modality == recordings.shared
    ingest = settings.ingest
    assert (ingest.hop_s, ingest.grace_s, ingest.held_out_sources) == (5.0, 10.0, ("node-0",))
    assert settings.trainer == TrainerSettings(seed=4)
    assert settings.binding == BindingSettings()


def test_a_stream_without_a_trainer_reads_no_environment(
    recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMBIND_BINDING__PARTNERS", "3")
    settings = stream_settings(recordings, ingest={"hop_s": 10})
    assert settings.binding == BindingSettings()
    assert settings.ingest.hop_s == 10
