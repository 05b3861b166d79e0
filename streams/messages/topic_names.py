"""The names of the topics. Performs no I/O."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TopicNames:
    """Names of all topics under one prefix."""

    prefix: str

    def windows(self, modality: str) -> str:
        """Where the sensors of a modality write."""
        return f"{self.prefix}windows.{modality}"

    @property
    def samples(self) -> str:
        """Samples: windows of one source at one time, assembled."""
        return f"{self.prefix}samples"

    @property
    def scalings(self) -> str:
        """The newest scaling of each source and modality."""
        return f"{self.prefix}scalings"

    @property
    def pairs(self) -> str:
        """Bindings: what became of each sample."""
        return f"{self.prefix}pairs"

    @property
    def models(self) -> str:
        """Manifests, decisions and channel moves."""
        return f"{self.prefix}models"

    @property
    def followers(self) -> str:
        """Which follower runs which version."""
        return f"{self.prefix}followers"

    @property
    def rejects(self) -> str:
        """What could not be used."""
        return f"{self.prefix}rejects"

    @property
    def embeddings(self) -> str:
        """Fused embeddings of samples, where an embedder writes them."""
        return f"{self.prefix}embeddings"

    @property
    def labels(self) -> str:
        """What somebody knows of samples."""
        return f"{self.prefix}labels"

    @property
    def labelled(self) -> str:
        """Labels of all samples, as far as they are known."""
        return f"{self.prefix}labelled"

    @property
    def modalities(self) -> str:
        """Which modalities there are, for those who send."""
        return f"{self.prefix}modalities"

    @property
    def forgotten(self) -> str:
        """Sources whose windows are to be forgotten."""
        return f"{self.prefix}forgotten"
