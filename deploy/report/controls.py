"""Trains the controls of a run beside one another, each in a process of its own, and says who is better.

A control goes through the same Bindings with the same steps, loss and seed as the run: only the partners differ.
"""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeAlias

import numpy as np

from encoders.modality import ModalitySpec
from streams.records import Binding, Sample
from trainer.settings import TrainerSettings

Weights: TypeAlias = Mapping[str, Mapping[str, np.ndarray]]

CONTROL_RULES = ("natural", "random", "oracle")


@dataclass(frozen=True, slots=True, eq=False)
class ControlRun:
    """What the controls replay: the Bindings in the order in which they were trained on, and labelled samples by id."""

    bindings: Sequence[Binding]
    samples: Mapping[str, Sample]
    specs: Mapping[str, ModalitySpec]
    shared: str
    settings: TrainerSettings


def train_controls(
    run: ControlRun, rules: Sequence[str] = CONTROL_RULES, on_done: Callable[[str], None] = lambda rule: None
) -> dict[str, Weights]:
    """Each control's encoder weights by modality. An interrupt ends all of them at once.

    Args:
        run: Given to each of them.
        rules: Which ones: see `trainer.controls.partner_rule`.
        on_done: Called with the rule's name whenever one is ready.
    """
    found: dict[str, Weights] = {}
    n_processes = max(1, min(len(rules), os.cpu_count() or 1))
    with get_context("spawn").Pool(n_processes, initializer=_leave_interrupts_to_the_parent) as pool:
        for rule, weights in pool.imap_unordered(_train, [(run, rule) for rule in rules]):
            found[rule] = weights
            on_done(rule)
    return found


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _train(task: tuple[ControlRun, str]) -> tuple[str, Weights]:
    import torch

    from trainer.controls import replay_bindings

    run, rule = task
    torch.set_num_threads(1)
    learner = replay_bindings(run.bindings, run.samples, run.specs, run.shared, run.settings, rule)
    return rule, learner.trained_weights()
