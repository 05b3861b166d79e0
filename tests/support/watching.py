"""A ModelWatch that is stepped by hand."""

from pathlib import Path

from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from streams.models.channels import ChannelView, move_record, version_record
from streams.models.log import MemoryModelLog, ModelRecord
from streams.models.registry import Registry
from streams.models.watch import ModelWatch
from tests.support.models import bundle


class World:
    """A registry, a log, a clock that is moved by hand, and a watch that is stepped by hand."""

    def __init__(self, root: Path, **options: object) -> None:
        self.root, self.log, self.view = root, MemoryModelLog(), ChannelView()
        self.registry = Registry(str(root))
        self.delivered: list[int] = []
        self.now_s = 0.0
        self.broken = False
        self.watch = ModelWatch(
            self.log,
            self.registry,
            self.deliver,
            follower_id="me",
            now_s=lambda: self.now_s,
            **options,  # type: ignore[arg-type]
        )
        self._offset = 0

    def deliver(self, manifest: ModelManifest | None, _bundle: ModelBundle | None) -> None:
        if self.broken:
            raise RuntimeError("does not load")
        self.delivered.append(manifest.version if manifest else 0)

    def take(self, key: bytes, value: bytes | None) -> None:
        self.view.apply(key, value, self._offset)
        self.watch.follow(ModelRecord(key, value, self._offset))
        self._offset += 1

    def idle(self) -> None:
        self.watch.follow(None)

    def publish(self, version: int) -> None:
        self.take(*version_record(self.registry.publish(bundle(version))))

    def promote(self, version: int, channel: str = "stable") -> None:
        self.take(*move_record(self.view, channel, version, "better", "test", 1))

    def file(self, version: int, modality: str = "gyroscope") -> Path:
        return self.root / f"v{version}" / f"{modality}.safetensors"
