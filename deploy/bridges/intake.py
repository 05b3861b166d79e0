"""Payloads to windows: whose samples they are, of which modality, and cut. Performs no I/O and reads no clock."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from deploy.bridges.measured import Measured
from deploy.bridges.payload import parse
from deploy.tables.columns import guessed_groups, modality_name
from encoders.modality import ModalitySpec
from streams.cutting.cutter import CutWindow, Phase, WindowCutter
from streams.cutting.samples import samples_of
from streams.messages.rejects import InvalidRecord

log = logging.getLogger(__name__)


class BridgeIntake:
    """Takes payloads; what cannot be read is counted in `refused` by its reason, logged once, and stops no other.

    `windows` are counted by modality.

    For one thread at a time.

    Args:
        specs: The modalities of the settings, by name.
        hop_s: From one window to the next.
        send: Is given node, modality, start in ns since 1970 and values `[T, C]` of each window; ValueError refuses it.
    """

    def __init__(
        self, specs: Mapping[str, ModalitySpec], hop_s: float, send: Callable[[str, str, int, np.ndarray], Any]
    ) -> None:
        self._specs, self._hop_s, self._send = specs, hop_s, send
        self._phases: dict[str, Phase] = {}
        self._cutters: dict[tuple[str, str], WindowCutter] = {}
        self._told: set[tuple[str, str]] = set()
        self.refused: Counter[str] = Counter()
        self.windows: Counter[str] = Counter()
        self.n_messages = 0
        self.n_samples = 0

    def take(self, topic: str, named: Mapping[str, str], payload: bytes, now_ns: int) -> None:
        """One message: `named` are the node and the modality that its topic says."""
        self.n_messages += 1
        try:
            measured = parse(payload, now_ns)
        except InvalidRecord as fault:
            self._refuse(topic, fault)
            return
        for one in measured:
            try:
                self._take(one, named)
            except InvalidRecord as fault:
                self._refuse(topic, fault)

    def flush(self) -> None:
        """Sends the last windows that are complete; for the end."""
        for (node, modality), cutter in self._cutters.items():
            self._windows(node, modality, cutter.flush())

    def _take(self, one: Measured, named: Mapping[str, str]) -> None:
        node = named.get("node") or one.node
        if not node:
            raise InvalidRecord("source-id", "node", None, "a node in the payload, or {node} in --topic")
        for modality, rows in self._modalities(one, named.get("modality")):
            spec = self._specs[modality]
            try:
                times, samples = samples_of(spec, one.t_ns, rows)
                cutter = self._cutters.get((node, modality))
                if cutter is None:
                    cutter = WindowCutter(spec, self._phases.setdefault(node, Phase(self._hop_s)))
                    self._cutters[node, modality] = cutter
                    units = " ".join(sorted(set(one.units.values()))) or "units that it does not name"
                    log.info("%s sends %s, in %s", node, modality, units)
                self.n_samples += len(times)
                windows = cutter.push(times, samples)
            except ValueError as error:
                raise InvalidRecord("shape", "", str(error)) from error
            self._windows(node, modality, windows)

    def _modalities(self, one: Measured, named: str | None) -> Iterator[tuple[str, Any]]:
        """The modalities of a moment, each with its values in the order of its channels."""
        said = named or one.name
        if one.rows is None and not one.values:
            raise InvalidRecord("empty", "values", "no number", "one or more")
        if one.rows is not None:
            yield self._known(said), one.rows
            return
        if named or (said and modality_name(said, self._specs) in self._specs):
            modality = self._known(said)
            channels = self._specs[modality].channels
            own = guessed_groups(one.values, modality, {modality: self._specs[modality]}).get(modality)
            yield modality, [one.values[name] for name in (own or channels or one.values) if name in one.values]
            return
        groups = guessed_groups(one.values, said or "", self._specs)
        known = {name: group for name, group in groups.items() if name in self._specs}
        if not known:
            self._known(said or ", ".join(groups))
        for name, group in known.items():
            yield name, [one.values[channel] for channel in group]

    def _known(self, name: str | None) -> str:
        modality = modality_name(name or "", self._specs)
        if modality not in self._specs:
            raise InvalidRecord("unknown-modality", "modality", name, f"one of {', '.join(self._specs)}")
        return modality

    def _windows(self, node: str, modality: str, windows: list[CutWindow]) -> None:
        for start_ns, values in windows:
            try:
                self._send(node, modality, start_ns, values)
                self.windows[modality] += 1
            except ValueError as error:
                self._refuse(modality, InvalidRecord("signature", "", str(error)))

    def _refuse(self, topic: str, fault: InvalidRecord) -> None:
        self.refused[fault.reason] += 1
        if (topic, fault.reason) not in self._told and len(self._told) < 1000:
            self._told.add((topic, fault.reason))
            log.warning("%s: %s; more of the same is only counted", topic, fault.detail)
