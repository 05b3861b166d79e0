"""How much a modality that binds has to say, where several do. Performs no I/O, reads no clock."""

from collections.abc import Mapping

import numpy as np

from encoders.modality import ModalitySpec
from streams.judgement import judge
from streams.table import Table
from streams.witness import witnesses

# Of a modality of which nothing can be said.
UNKNOWN = 0.5


def descriptiveness(table: Table, specs: Mapping[str, ModalitySpec], name: str, likeness: np.ndarray) -> float:
    """The weight, 0 to 1, of what a modality says: the estimated share of pairs that are right by it alone.

    All other modalities are its witnesses, those that bind too. One by which pairs agree no more than by chance has
    nothing to say.

    Args:
        table: The samples.
        specs: All modalities by name.
        name: The modality.
        likeness: By it `[n, n]`, of those that have it.
    """
    places = table.having(name)
    heard = [one.of(places) for one in witnesses(table, specs, {name})]
    sources = table.sources[places]
    said = judge(likeness, likeness, heard, sources, sources[:, None] != sources[None, :]).estimate
    if said.value is None:
        return 0.0 if said.state == "none" else UNKNOWN
    return said.value
