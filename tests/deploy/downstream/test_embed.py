"""Which modalities are embedded."""

from deploy.downstream.embed import chosen_modalities
from streams.labels import LABEL, LABEL_SPEC
from tests.support.label_world import settings


def test_no_label_is_embedded_or_tuned_with() -> None:
    specs = {**settings().sensors}
    assert LABEL not in chosen_modalities(specs, [*specs.values(), LABEL_SPEC], ())
