"""What became of the windows that were sent: counted, and for what must not be some examples. Performs no I/O."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tests.chaos.reading import Reading
from tests.chaos.sensors import Moment, TakenWindow, WindowKey

N_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of windows: `sent`; `excused`, which a fault took away itself; `lost`; `rejected`; `duplicated`, in two samples.

    Of natural pairs: `moments`, at which a node sent several modalities; `split`, those that share no sample. Of
    samples: `rewritten`, which came again with other windows under the same id; `unbound`, without a Binding.
    """

    sent: int
    excused: int
    lost: int
    rejected: int
    duplicated: int
    moments: int
    split: int
    rewritten: int
    unbound: int


def count(
    taken: Mapping[WindowKey, TakenWindow],
    excused: Collection[WindowKey],
    reading: Reading,
    bound: Collection[str] = (),
) -> tuple[Counts, list[str]]:
    """The counts, and a sentence for each of the first that are lost or split.

    `bound` are samples whose Binding was seen, and may have been deleted since.
    """
    homes, wanted = reading.homes, taken.keys() - set(excused)
    natural = [keys for keys in _companions(wanted).values() if len(keys) > 1]
    apart = [
        keys
        for keys in natural
        if all(key in homes for key in keys) and not set.intersection(*(homes[key] for key in keys))
    ]
    missing = sorted(key for key in wanted if key not in homes)
    lost = [key for key in missing if key not in reading.rejected]
    counts = Counts(
        sent=len(taken),
        excused=len(excused),
        lost=len(lost),
        rejected=len(missing) - len(lost),
        duplicated=sum(len(homes.get(key, ())) > 1 for key in wanted),
        moments=len(natural),
        split=len(apart),
        rewritten=len(reading.rewritten),
        unbound=len(reading.sample_by_id.keys() - {one.sample_id for _, one in reading.bindings} - set(bound)),
    )
    examples = [f"lost: {key}, {taken[key].place}; {reading.told_of(key)}" for key in lost[:N_EXAMPLES]]
    for keys in apart[:N_EXAMPLES]:
        examples.append("split: " + ", ".join(f"{key[1]} in {sorted(homes[key])}" for key in keys))
    return counts, examples


def _companions(keys: Collection[WindowKey]) -> dict[Moment, list[WindowKey]]:
    found: dict[Moment, list[WindowKey]] = defaultdict(list)
    for key in sorted(keys):
        found[key[0], key[2]].append(key)
    return found
