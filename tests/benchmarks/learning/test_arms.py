"""Which arms there are, and what is switched off in them."""

from benchmarks.learning.arms import ABLATION, MEANING, PARTS, Task, product_settings
from benchmarks.learning.data import World


def test_a_part_that_is_switched_off_changes_nothing_else(world: World) -> None:
    product = product_settings(world, 0)
    for part, sections in PARTS.items():
        settings = Task(world, f"ours-no-{part}/soft", product, n_steps=2).settings
        for name in ("binding", "trainer"):
            own, other = getattr(settings, name).model_dump(), getattr(product, name).model_dump()
            changed = {key for key in own if own[key] != other[key]}
            assert changed == sections.get(name, {}).keys()
    assert all(arm.partition("/")[0] in MEANING for arm in ABLATION)
