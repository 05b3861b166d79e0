"""What services are told of the registry. Reads no file and no environment: see `deploy.settings.config`."""

from pydantic import Field

from encoders.card import LICENSE_PATTERN
from encoders.modality import NAME_PATTERN
from streams.section import Section


class RegistrySettings(Section):
    """Where bundles lie, which channel is followed, and whose signature they must bear."""

    root: str = Field("mmbind-data/models", description="a folder, or a URL that fsspec opens: s3://...")
    channel: str = Field("stable", pattern=f"^{NAME_PATTERN}$", description="is moved to what passes the gate")
    signing_key_file: str | None = Field(
        None, description="trainer's: PEM file of an ed25519 private key; then it signs each version's manifest"
    )
    public_key_file: str | None = Field(
        None, description="PEM file of the trainer's public key; then a version that it did not sign is refused"
    )
    license: str = Field(
        "", pattern=f"^({LICENSE_PATTERN})?$", description="stands in each model card: apache-2.0 and the like; '' none"
    )
