"""What every test may count on."""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.support.brokers import broker, embedded_broker, kafka_broker, prefix

__all__ = ["broker", "embedded_broker", "kafka_broker", "prefix"]

# The same examples in every run, and no deadline: a busy machine is not a failure.
settings.register_profile("mmbind", deadline=None, derandomize=True)
settings.load_profile("mmbind")

# A skip whose reason names one of these is a failure where MMBIND_REQUIRE_ALL is set: CI has both at hand.
PROVIDED = ("KAFKA_HOME", "MMBIND_TEST_DATA")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("MMBIND_REQUIRE_ALL") and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if any(name in reason for name in PROVIDED):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} skipped although MMBIND_REQUIRE_ALL is set: {reason}"
    return report
