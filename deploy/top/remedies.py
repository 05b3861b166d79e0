"""What to do against each reason for which records are refused. Performs no I/O."""

from collections.abc import Mapping

from streams.messages.rejects import Reason

REMEDIES: Mapping[Reason, str] = {
    "undecodable": "send msgpack or JSON with source_id, modality, start_ns and values",
    "unknown-modality": "send to the topic of its own modality, and name it under [modalities]",
    "shape": "make n_steps and n_channels under [modalities] what the sensor sends",
    "not-finite": "repair the sensor, or leave such windows out",
    "empty": "send a value with each message",
    "source-id": "give each node a source_id of 1 to 256 bytes",
    "key": "make the message's key the source_id",
    "time": "send start_ns as Unix time in ns, from a clock that is right",
    "duplicate": "give each node its own source_id, and send each window once",
    "too-large": "send fewer windows in a message",
    "signature": "give the node the key that stands in ingest.keys_file",
    "forgotten": "the source was forgotten: `mmbind sources forget --undo` takes that back",
    "unreadable": "look at the codec and the headers of what sends it",
    "crashed-the-service": "see the worker's log, and send the record to its makers",
    "schema": "update the workers: the sender is of a newer release",
}


def remedy(reason: str) -> str:
    """What to do, in a few words."""
    known: Mapping[str, str] = {str(name): text for name, text in REMEDIES.items()}
    return known.get(reason, "`mmbind rejects list` says more")
