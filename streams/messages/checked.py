"""What samples and Bindings must be to be used, whoever wrote them. Performs no I/O and reads no clock.

Our own services write nothing else. But anybody who may write to a topic may write anything, and whatever lies there
must not stop a worker or a trainer, nor come back to stop it after each restart.
"""

import math
from collections.abc import Container, Mapping

import numpy as np

from encoders.modality import ModalitySpec
from encoders.scaling import Scaling
from streams.messages.rejects import InvalidRecord
from streams.messages.text import check_id, check_label
from streams.records import Binding, LabelRecord, NodeScaling, Sample

MAX_ID_BYTES = 1024  # a late sample's id holds its source's, its modality's name and two numbers
MAX_PARTNERS = 1024
END_NS = 1 << 63  # the first time that 64 bits do not hold


def checked_sample(sample: Sample, specs: Mapping[str, ModalitySpec]) -> Sample:
    """The sample, whose windows are of known modalities, each with a scaling that can be applied.

    Raises:
        InvalidRecord: If it cannot be bound or trained on.
    """
    _check_id("sample_id", sample.sample_id)
    _check_id("source_id", sample.source_id)
    check_label(sample.label)
    if not 0 <= sample.start_ns < END_NS:
        raise InvalidRecord("time", "start_ns", sample.start_ns, "0 or later, in ns since 1970, in 63 bits")
    for name, values in sample.windows.items():
        spec = specs.get(name)
        if spec is None:
            raise InvalidRecord("unknown-modality", "windows", name, ", ".join(specs))
        if values.shape != (spec.n_steps, spec.n_channels) or name not in sample.scaling:
            raise InvalidRecord("shape", f"windows.{name}", values.shape, f"[{spec.n_steps}, {spec.n_channels}]")
        # One product is twice as fast, and only where it is too large they are looked at one by one. It never warns.
        if not math.isfinite(np.vdot(values, values)) and not np.isfinite(values).all():
            raise InvalidRecord("not-finite", f"windows.{name}")
        _check_scaling(name, sample.scaling[name], spec.n_channels)
    return sample


def checked_node_scaling(record: NodeScaling) -> NodeScaling:
    """The record, whose scaling can be applied to windows of as many channels as it has.

    Raises:
        InvalidRecord: If it is of nobody or cannot be applied.
    """
    _check_id("source_id", record.source_id)
    _check_id("modality", record.modality)
    _check_scaling(record.modality, record.scaling, record.scaling.center.size)
    return record


def check_not_forgotten(source_id: str, forgotten: Container[str]) -> None:
    """Raises where an operator has said that nothing of the source is to be used.

    Raises:
        InvalidRecord: With the reason "forgotten".
    """
    if source_id in forgotten:
        raise InvalidRecord("forgotten", "source_id", source_id, "a source that is not to be forgotten")


def checked_binding(binding: Binding) -> Binding:
    """The Binding, whose ids are text and whose numbers are shares and counts.

    Raises:
        InvalidRecord: If it cannot be trained on.
    """
    check_identity(binding.sample_id, binding.round)
    for field in ("model_version", "sequence"):
        _check_count(field, getattr(binding, field))
    if len(binding.partners) > MAX_PARTNERS:
        raise InvalidRecord("too-large", "partners", f"{len(binding.partners)} of them", f"at most {MAX_PARTNERS}")
    for partner in binding.partners:
        _check_id("partners.sample_id", partner.sample_id)
        if not -2 <= partner.similarity <= 2:  # false for NaN too
            raise InvalidRecord("not-finite", "partners.similarity", partner.similarity, "-1 to 1")
        for field, share in (("probability", partner.probability), ("confidence", partner.confidence)):
            if share is not None and not 0 <= share <= 1.001:
                raise InvalidRecord("not-finite", f"partners.{field}", share, "0 to 1")
    return binding


def check_identity(sample_id: str, round_: int) -> None:
    """Raises where these do not say which Binding it is.

    Raises:
        InvalidRecord: With what is wrong.
    """
    _check_id("sample_id", sample_id)
    _check_count("round", round_)


def _check_count(field: str, number: int) -> None:
    if not 0 <= number < END_NS:
        raise InvalidRecord("undecodable", field, number, "0 or more, in 63 bits")


def checked_label_record(record: LabelRecord) -> LabelRecord:
    """The record, which names one sample, or a source and a time.

    Raises:
        InvalidRecord: If nobody can tell whose label it is, or the label is none.
    """
    is_of_time = (record.source_id, record.start_ns, record.end_ns) != (None, None, None)
    if record.sample_id is not None and is_of_time:
        raise InvalidRecord("undecodable", "sample_id", "with source_id, start_ns or end_ns", "one or the other")
    if record.sample_id is not None:
        _check_id("sample_id", record.sample_id)
    elif record.source_id is None or record.start_ns is None or record.end_ns is None:
        there = [name for name in ("source_id", "start_ns", "end_ns") if getattr(record, name) is not None]
        wanted = "sample_id, or source_id, start_ns and end_ns"
        raise InvalidRecord("empty", "sample_id", f"only {', '.join(there) or 'a label'}", wanted)
    else:
        _check_id("source_id", record.source_id)
        if not 0 <= record.start_ns < END_NS:
            raise InvalidRecord("time", "start_ns", record.start_ns, "0 or later, in ns since 1970, in 63 bits")
        if not record.start_ns < record.end_ns < END_NS:
            raise InvalidRecord("time", "end_ns", record.end_ns, f"later than start_ns, {record.start_ns}")
    if record.label == "":
        raise InvalidRecord("empty", "label", "0 characters", "a label, or null to take back what was said")
    check_label(record.label)
    return record


def _check_id(field: str, text: str) -> None:
    if not text:
        raise InvalidRecord("empty", field, "0 bytes", f"1 to {MAX_ID_BYTES}")
    check_id(field, text, MAX_ID_BYTES)


def _check_scaling(name: str, scaling: Scaling, n_channels: int) -> None:
    for field, values in (("center", scaling.center), ("scale", scaling.scale)):
        if values.shape != (n_channels,):
            raise InvalidRecord("shape", f"scaling.{name}.{field}", values.shape, f"[{n_channels}]")
        if not all(map(math.isfinite, values.tolist())):
            raise InvalidRecord("not-finite", f"scaling.{name}.{field}", values.tolist(), "finite numbers")
    if not all(one > 0 for one in scaling.scale.tolist()):
        raise InvalidRecord("not-finite", f"scaling.{name}.scale", scaling.scale.tolist(), "above 0")
    if not 0 <= scaling.n_windows < END_NS:
        raise InvalidRecord("undecodable", f"scaling.{name}.n_windows", scaling.n_windows, "0 or more")
