"""Whether a history that is read back from the log is the one of a worker that was there all the time."""

from functools import partial

import msgspec

from deploy.settings.config import Settings
from streams.binder import Binder
from streams.broker.log import committed_offsets
from streams.messages.checked import checked_sample
from streams.records import Binding
from streams.settings import BrokerSettings
from streams.worker.faust_app import group_id
from streams.worker.read_back import read_back
from tests.chaos.reading import Reading

N_PROBES = 32
WHOLE = 100_000


def differs_from_living(broker: BrokerSettings, settings: Settings, reading: Reading) -> str:
    """What new samples find in the rebuilt history and not in the living one, or the other way; empty if all is equal.

    The living one has observed all samples in the order of their messages, as far as the workers have committed.
    """
    topic, n_partitions = f"{settings.topics.prefix}samples", settings.topics.sample_partitions
    committed = committed_offsets(broker, group_id(settings), topic, range(n_partitions))
    check = partial(checked_sample, specs=settings.specs)
    # Reviews ask again and change no history; they would take most of the time. Of the whole stream nothing is evicted.
    binding = settings.binding.model_copy(update={"review_samples": 0})
    index = settings.index.model_copy(update={"history_samples": WHOLE})
    searching = settings.model_copy(update={"binding": binding, "index": index})
    rebuilt, living = Binder(searching), Binder(searching)
    own = {partition: committed.get(partition) for partition in range(n_partitions)}
    rebuilt.remember(read_back(broker, topic, own, WHOLE, check).bound(dict.fromkeys(own, 0)))
    # There is one partition, and its order is that of its offsets, not that of the clocks of those who write to it.
    placed = sorted(reading.samples, key=lambda one: (one[0].partition, one[0].offset))
    living.observe([one for m, one in placed if m.offset < committed.get(m.partition, 0)])
    if rebuilt.store.n_rows != living.store.n_rows:
        return f"the rebuilt history has {rebuilt.store.n_rows} samples, the living one {living.store.n_rows}"
    probes = [
        msgspec.structs.replace(one, sample_id=f"probe-{number}", source_id="probe", held_out=False)
        for number, (_, one) in enumerate(placed[-N_PROBES:])
    ]
    pairs = zip(rebuilt.observe(probes), living.observe(probes), strict=True)
    unlike = [mine.sample_id for mine, theirs in pairs if ends(mine) != ends(theirs)]
    return f"{len(unlike)} of {N_PROBES} new samples find others in the rebuilt history" if unlike else ""


def ends(binding: Binding) -> list[tuple[str, float]]:
    """Partners and similarities: what the index has found. Whether they are trusted is another matter."""
    return [(one.sample_id, one.similarity) for one in binding.partners]
