"""Each rule by a stream in which it has something to say, and that the more urgent one is heard."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from deploy.top.advice import RULES, advice
from deploy.top.pages import Page
from deploy.top.remedies import REMEDIES, remedy
from streams.messages.rejects import InvalidRecord
from streams.models.channels import decision_record
from streams.records import Decision
from tests.support.pictures import NOW_MS, OTHER, SHARED, STATE, WELL, WITNESS, Scene, page


def unknown(**more: float) -> dict[str, float]:
    return {"mmbind_windows_total": 400.0, f'{STATE}{{state="unknown"}}': 1.0, **more}


def no_broker() -> Scene:
    scene = Scene.well()
    scene.picture.trouble = "nobody listens on 127.0.0.1:9092"
    return scene


def falling_behind(service: str) -> Scene:
    scene = Scene.well()
    lag = 'mmbind_lag_records{topic="t",partition="0"}'
    for second, n in ((-40, 10.0), (0, 900.0)):
        scene.picture.note_time(NOW_MS + 1000 * second)
        behind = page(**{lag: n})
        scene.answer(replace(behind, metrics={**WELL, lag: n}) if service == "worker" else WELL,
                     behind if service == "trainer" else None)  # fmt: skip
    return scene


def decided(*passed: bool) -> Scene:
    words = (decision_record(Decision(version=n, passed=one, reason="gravity has collapsed"))
             for n, one in enumerate(passed, 1))  # fmt: skip
    return Scene.well().models(*words)


CASES: list[tuple[Callable[[], Scene], str]] = [
    (no_broker, "the broker cannot be read, what is shown may be old: nobody listens on 127.0.0.1:9092"),
    (lambda: Scene().answer(Page("h:1")), "no worker answers yet on h:1: `mmbind stream` starts one"),
    (lambda: Scene().answer(page("partitions are being given out anew")), "the worker is not ready: partitions are"),
    (lambda: Scene().answer(page()), "no windows yet: send them to 127.0.0.1:9092, topics mmbind.windows.<modality>"),
    (
        lambda: Scene().refused("node-3"),
        "all windows are refused, 10 for shape (node-3: values [50, 4], wanted [50, 3]): make n_steps and n_channels",
    ),
    (lambda: Scene.well().refused("node-3", 100), "most of what comes is refused, 100 for shape (node-3"),
    (lambda: Scene().samples("a"), "only a sends: a pair is of two nodes"),
    (
        lambda: Scene.well().answer({**WELL, 'mmbind_doubtful_sources_total{doubt="two-devices"}': 1}),
        "two devices send under one source_id, which the worker's log names",
    ),
    (
        lambda: Scene.well().samples("node-3", 30, (SHARED,), (WITNESS,), (SHARED,)),
        "node-3's clocks disagree by 1 s: its windows seldom come together",
    ),
    (
        lambda: Scene.well().answer(unknown() | {f'{STATE}{{state="none"}}': 1}).bindings(1, "withheld"),
        f"pairs are withheld: look at the windows of {SHARED}, or set another shared_modality",
    ),
    (lambda: Scene.well().bindings(300, "no-shared-modality"), f"60% of the samples have no {SHARED} that moves"),
    (
        lambda: Scene().answer(unknown()).samples("a").samples("b", 10, (SHARED, OTHER)),
        f"no two nodes share a second sensor beside {SHARED}: the estimate stays unknown",
    ),
    (lambda: Scene.well().answer(WELL, Page("h:2")), "no trainer answers yet on h:2"),
    (lambda: Scene.well().answer(WELL, page("the disk is full")), "the trainer is not ready: the disk is full"),
    (lambda: falling_behind("worker"), "the worker falls behind, by 890 messages in half a minute"),
    (lambda: falling_behind("trainer"), "the trainer falls behind, by 890 messages in half a minute"),
    (lambda: Scene().samples("a").samples("b"), "no node is held out, so the gate cannot judge versions"),
    (lambda: Scene.well().refused("node-3", 1), "some records are refused, 1 for shape (node-3: "),
    (lambda: decided(True, False), "version 2 was refused and none is served: gravity has collapsed"),
    (lambda: Scene.well().samples("d", ago_s=1000), "d has sent nothing for 1000 s, while others do"),
    (
        lambda: Scene().samples("a", ago_s=1000).samples("c", ago_s=1000, held_out=True),
        "no samples for 1000 s: no node sends",
    ),
    (lambda: Scene.well().answer(unknown()), "nothing to do: the estimate is unknown so far"),
    (
        lambda: Scene().answer(unknown()).samples("a").samples("c").samples("b", held_out=True).bindings(20),
        "nothing to do: the estimate comes after some hundred samples, 20 are bound",
    ),
    (Scene.well, "nothing to do: the first version comes when enough pairs are trained on"),
]


@pytest.mark.parametrize(("scene", "said"), CASES)
def test_the_one_thing_to_do_is_said(scene: Callable[[], Scene], said: str) -> None:
    found = advice(scene().picture)
    assert found.startswith(said), found


def test_what_stops_everything_is_heard_first() -> None:
    scene = Scene().answer(page("partitions are being given out anew"), page("the disk is full")).samples("a")
    said = [sentence for rule in RULES if (sentence := rule(scene.picture))]
    assert len(said) > 2
    assert advice(scene.picture) == said[0] == "the worker is not ready: partitions are being given out anew"


def test_a_passed_version_is_no_news() -> None:
    assert "refused" not in advice(decided(False, True).picture)


def test_each_reason_has_a_remedy() -> None:
    reasons = set(InvalidRecord.__init__.__annotations__["reason"].__args__)
    assert set(REMEDIES) == reasons
    assert "rejects list" in remedy("of a later release")
