"""How few labels are spread over all samples. Reads no file and no environment: see `deploy.settings.config`."""

from pydantic import Field

from streams.section import Section


class LabellingSettings(Section):
    """How few labels are spread over all samples, by `mmbind labels`."""

    every_s: float = Field(30.0, gt=0, description="seconds that `labels serve` rests before it looks at what is new")
    min_probability: float = Field(
        0.0, ge=0, le=1, description="a label that is less probable than this is told as not known"
    )
    min_change: float = Field(
        0.05, ge=0, le=1, description="change of a probability from which `labels serve` tells it again"
    )
