import math

import pytest
from prometheus_client import CollectorRegistry

from deploy.demo.services import precision_estimate, scrape
from streams.precision.figures import Control, PrecisionEstimate
from streams.service.health import HealthServer
from streams.worker.metrics import StreamMetrics

NOTHING = Control(math.nan, math.nan, math.nan, math.nan)


@pytest.mark.parametrize(
    "said",
    [
        PrecisionEstimate("estimated", 0.75, 0.5, 0.875),
        PrecisionEstimate("estimated", 0.75),
        PrecisionEstimate("none"),
        PrecisionEstimate("unknown"),
    ],
)
def test_the_demo_reads_what_a_worker_says_of_precision(said: PrecisionEstimate) -> None:
    registry = CollectorRegistry()
    StreamMetrics(registry).set_precision(said, NOTHING)
    with HealthServer(registry, host="127.0.0.1", port=0, setting="port", healthy=list, ready=list) as server:
        assert precision_estimate(scrape(server.port)) == said


def test_a_worker_that_does_not_answer_says_nothing() -> None:
    assert precision_estimate({}) == PrecisionEstimate("unknown")
