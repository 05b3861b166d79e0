"""The settings that streams need, a section a class. Reads no file and no environment: see `deploy.settings.config`."""

from typing import Literal, TypeAlias

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from encoders.modality import ModalitySpec
from streams.labels import LABEL, LABEL_SPEC, LabelKind
from streams.registry_settings import RegistrySettings
from streams.section import Section

# Messages in `rejects` may be so many times as long as elsewhere.
REJECTS_FACTOR = 4
# Samples: more than any stream has.
NEVER_WITHHOLD = 10**12

DescriptorKind: TypeAlias = Literal["oriented", "rotation-tolerant", "both"]


class BrokerSettings(Section):
    """How to reach the broker; most names are kafka-python's."""

    local_port: int = Field(
        9092, ge=1, le=65535, description="of the broker that `mmbind up` starts where bootstrap_servers is not set"
    )
    bootstrap_servers: str = Field(
        default_factory=lambda data: f"127.0.0.1:{data['local_port']}",
        min_length=1,
        description="HOST:PORT of some, by commas; else the broker that `mmbind up` starts on this machine",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="SSL encrypts, SASL wants a password"
    )
    ssl_cafile: str | None = Field(None, description="PEM file of the authorities to trust; else the system's")
    ssl_certfile: str | None = Field(None, description="PEM certificate of ours, where the broker wants one")
    ssl_keyfile: str | None = Field(None, description="its PEM key, where it is another file")
    ssl_check_hostname: bool = Field(True, description="whether the broker's certificate must be for its name")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="how the password is sent"
    )
    sasl_plain_username: str | None = Field(None, description="user, of any mechanism")
    sasl_plain_password: SecretStr | None = Field(None, description="better given by the environment")
    compression: Literal["gzip", "snappy", "lz4", "zstd"] | None = Field(None, description="of all that is written")


class TopicSettings(Section):
    """Names, sizes and counts of the topics."""

    prefix: str = Field("mmbind.", pattern=r"^[a-z0-9.-]*$", description="of all topics and groups")
    partitions: int = Field(4, ge=1, description="of windows.<modality>, embeddings, labels, labelled, rejects")
    sample_partitions: int = Field(1, ge=1, description="of samples: so many workers bind, each for itself")
    pair_partitions: int = Field(4, ge=1, description="with 1, training is bit-identical between runs of one log")
    replication_factor: int = Field(1, ge=1, description="of topics that are made; on a cluster usually 3")
    max_message_bytes: int = Field(1_000_000, ge=10_000, description="of all topics but rejects")
    retention_hours: float = Field(48, gt=0, description="of samples, pairs and rejects; longer than the history")

    @property
    def rejects_max_bytes(self) -> int:
        """The longest message that `rejects` takes: what is refused may be longer than what is taken."""
        return REJECTS_FACTOR * self.max_message_bytes


class ModalitySettings(Section):
    """One sensor kind; the table's name is the modality's."""

    n_channels: int = Field(ge=1, description="values of one step")
    n_steps: int = Field(ge=1, description="steps of one window")
    rate_hz: float = Field(gt=0, description="steps a second")
    unit: str = Field("", description="of the values, for people")
    channels: tuple[str, ...] = Field((), description="names of the channels, for people")

    def spec(self, name: str) -> ModalitySpec:
        """These numbers as the modality of that name, checked."""
        return ModalitySpec(name=name, **self.model_dump())


class LabelSettings(Section):
    """How labels bind, where `shared_modality = "label"`: no sensor is shared then, but what windows are labelled."""

    kind: LabelKind = Field("exact", description="text: labels with like words are partly alike")


class IngestSettings(Section):
    """How windows become samples: which belong together, and how long one waits for another."""

    hop_s: float = Field(5.0, gt=0, description="windows of one source within one hop form a sample")
    grace_s: float = Field(2.0, gt=0, description="wait for companions, once their topics are read so far")
    max_waiting_mb: float = Field(256.0, gt=0, description="of windows that wait; the longest wait ends beyond it")
    earliest_year: int = Field(
        2000, ge=1970, lt=2262, description="windows that start before it are refused: not in ns?"
    )
    max_future_s: float = Field(60.0, gt=0, description="how far ahead of the wall clock a window may start")
    length_tolerance: float = Field(0.1, ge=0, lt=1, description="share by which a window may be longer or shorter")
    scaling_windows: int = Field(32, ge=1, description="windows that scale a source exactly; then it follows")
    keys_file: str | None = Field(
        None, description="TOML or JSON of signing keys, source id = hexadecimal; then what is not signed is refused"
    )
    max_records: int = Field(10_000, ge=1, description="windows of one message; one with more is refused as a whole")
    held_out_sources: tuple[str, ...] = Field((), description="never bound, never trained on: they judge models")
    held_out_share: float = Field(0.0, ge=0, lt=1, description="share of sources held out by the hash of their id")


class IndexSettings(Section):
    """The history and its index; M, ef_construction and ef are hnswlib's."""

    history_samples: int = Field(20_000, ge=100, description="the latest that partners are looked for in")
    history_hours: float = Field(24.0, gt=0, description="older samples are forgotten, however few there are")
    segment_samples: int = Field(8192, ge=64, description="of one graph; what has none yet is searched exactly")
    M: int = Field(16, ge=2, description="links of a sample in a graph")
    ef_construction: int = Field(100, ge=8, description="candidates looked at when a graph is built")
    ef: int = Field(64, ge=8, description="candidates looked at in a search")

    held_generation_mb: float = Field(
        256.0, ge=0, description="of the previous model's index, held so that going back is instant; 0 holds none"
    )

    def without_graph(self) -> "IndexSettings":
        """The same with segments that are dropped before their graph would be used: all search is exact."""
        return self.model_copy(update={"segment_samples": -(-self.history_samples // 512) * 512})


class BindingSettings(Section):
    """How partners are chosen; `python -m benchmarks.learning --ablation` says what each part is worth."""

    partners: int = Field(8, ge=1, description="at most so many partners a sample")
    neighbours: int = Field(48, ge=1, description="candidates fetched from the index")
    temperature: float = Field(
        0.4, gt=0, description="of the probabilities, on the scale of scores: natural logarithms of odds against chance"
    )
    hub_correction: float = Field(0.5, ge=0, le=1, description="0 none, 1 the mean of both neighbourhoods (CSLS)")
    use_cap: float = Field(4.0, gt=0, description="probability that a partner gathers before it is halved")
    most_uses: int = Field(16, ge=1, description="samples whose best partner one sample may be")
    lag_tolerant: bool = Field(True, description="compare raw windows at their best lag, beside the descriptor")
    review_samples: int = Field(
        1280, ge=0, le=8192, description="samples that are asked again together as the history grows; 0 never"
    )
    held_windows: int = Field(4096, ge=0, description="last samples whose windows are held, for what a new model says")
    also_shared: tuple[str, ...] = Field(
        (), description="more modalities that bind, in a review: any that two samples have in common"
    )
    balanced: bool = Field(True, description="in a review, spread the pairs over all partners (Sinkhorn)")
    smoothed: bool = Field(True, description="in a review, let look-alikes of a sample have a say in its partners")
    second_opinion: float = Field(
        0.5, ge=0, description="in a review, weight of the other modalities' trained embeddings; 0 none"
    )
    descriptor: DescriptorKind | Literal["auto"] = Field(
        "auto", description="rotation-tolerant or both: sensors of three axes, mounted at angles that differ"
    )
    learned_share: float = Field(0.15, ge=0, lt=1, description="of a trained version in the similarity; 0 none")
    min_similarity: float = Field(-1.0, ge=-1, lt=1, description="what is less alike is nobody's partner")
    calibration: bool = Field(
        True, description="estimate how many pairs are right; withhold them if no more than chance"
    )
    withhold_after: int = Field(
        1000, ge=100, description="samples compared without a sign that binding works before pairs are withheld"
    )

    def for_labels(self) -> "BindingSettings":
        """The same with what suits labels, unless it was set.

        Equal ones are equally good, however many have them, others are no partners, and a label is taken at its word.
        """
        suited = {"hub_correction": 0.0, "learned_share": 0.0, "min_similarity": 0.45, "withhold_after": NEVER_WITHHOLD}
        return self.model_copy(update={name: v for name, v in suited.items() if name not in self.model_fields_set})


class RuntimeSettings(Section):
    """Device, threads and listeners of a service."""

    device: str = Field("cpu", description="torch's name of it: cpu, cuda, mps")
    threads: int = Field(1, ge=1, description="that torch may use, in each service")
    metrics_host: str = Field("127.0.0.1", description="where metrics and health are served; 0.0.0.0: everywhere")
    stream_port: int = Field(9464, ge=0, le=65535, description="worker's /metrics, /healthz, /readyz; 0 picks one")
    trainer_port: int = Field(9465, ge=0, le=65535, description="the trainer's; 0 picks one")
    embedder_port: int = Field(9466, ge=0, le=65535, description="the embedder's; 0 picks one")
    bridge_port: int = Field(9467, ge=0, le=65535, description="that of `mmbind bridge mqtt`; 0 picks one")
    up_embeds: bool = Field(False, description="whether `mmbind up` also runs an embedder: see `mmbind embeddings`")
    data_dir: str = Field("mmbind-data", description="for checkpoints, and for the logs and broker of `mmbind up`")
    embedded_max_bytes: int = Field(
        1 << 30, ge=1 << 26, description="resident memory at which `up` stops the embedded broker"
    )
    stall_s: float = Field(
        60.0,
        gt=0,
        description="a worker or trainer that gets nothing done for so long, while there is work, is not ready",
    )
    log_format: Literal["text", "json"] = Field("text", description="a line for people, or an object for programs")


class StreamSettings(Section):
    """All that a worker is told; what is not said has the defaults of its section.

    Example:
        >>> from streams.settings import IngestSettings, ModalitySettings, StreamSettings
        >>> settings = StreamSettings(
        ...     modalities={
        ...         "acceleration": ModalitySettings(n_channels=3, n_steps=250, rate_hz=50.0, unit="g"),
        ...         "gyroscope": ModalitySettings(n_channels=3, n_steps=250, rate_hz=50.0, unit="rad/s"),
        ...     },
        ...     shared_modality="acceleration",
        ...     ingest=IngestSettings(hop_s=5.0),
        ... )
        >>> settings.specs["gyroscope"].duration_s, settings.ingest.grace_s, settings.topics.prefix
        (5.0, 2.0, 'mmbind.')
    """

    broker: BrokerSettings = BrokerSettings()
    topics: TopicSettings = TopicSettings()
    modalities: dict[str, ModalitySettings] = Field(min_length=1, description="kinds of sensors by name")
    shared_modality: str = Field(description="the one that most sources have, or `label`")
    labels: LabelSettings = LabelSettings()
    ingest: IngestSettings = IngestSettings()
    index: IndexSettings = Field(IndexSettings(), validate_default=True)
    binding: BindingSettings = Field(BindingSettings(), validate_default=True)
    registry: RegistrySettings = RegistrySettings()
    runtime: RuntimeSettings = RuntimeSettings()

    @field_validator("modalities")
    @classmethod
    def _no_sensor_is_a_label(cls, value: dict[str, ModalitySettings]) -> dict[str, ModalitySettings]:
        if LABEL in value:
            raise ValueError(f"wanted another name than {LABEL!r}, which stands for what windows are labelled")
        return value

    @field_validator("index")
    @classmethod
    def _labels_want_no_graph(cls, value: IndexSettings, info: ValidationInfo) -> IndexSettings:
        # Equal labels lie in one place: in a graph of them, no way leads from one place to another.
        is_label = info.data.get("shared_modality") == LABEL
        return value.without_graph() if is_label and "segment_samples" not in value.model_fields_set else value

    @field_validator("binding")
    @classmethod
    def _labels_bind_their_way(cls, value: BindingSettings, info: ValidationInfo) -> BindingSettings:
        return value.for_labels() if info.data.get("shared_modality") == LABEL else value

    @property
    def sensors(self) -> dict[str, ModalitySpec]:
        """The modalities that sensors send windows of, by name."""
        return {name: one.spec(name) for name, one in self.modalities.items()}

    @property
    def specs(self) -> dict[str, ModalitySpec]:
        """All modalities by name: the sensors, and the label where it is shared."""
        return self.sensors | ({LABEL: LABEL_SPEC} if self.shared_modality == LABEL else {})
