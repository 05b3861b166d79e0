"""What every test may count on."""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.support.brokers import any_broker, broker, embedded_broker, kafka_broker, prefix

__all__ = ["any_broker", "broker", "embedded_broker", "kafka_broker", "prefix"]

# The same examples in every run, and no deadline: a busy machine is not a failure.
settings.register_profile("mmbind", deadline=None, derandomize=True)
settings.load_profile("mmbind")

# Where tests run on several cores these files begin first, so that no core is left alone with one of them at the end.
LONGEST = (
    "tests/docs/test_readme.py",
    "tests/streams/worker/test_worker.py",
    "tests/chaos/test_chaos.py",
    "tests/streams/worker/test_embedder.py",
    "tests/trainer/parallel/test_trainer_of_several.py",
    "tests/streams/broker/test_rights.py",
    "tests/streams/worker/test_standby.py",
    "tests/deploy/demo/test_demo.py",
    "tests/test_end_to_end.py",
    "tests/streams/worker/test_crashes.py",
    "tests/deploy/audit/test_books.py",
    "tests/trainer/rollout/test_by_the_trainer.py",
    "tests/trainer/test_service.py",
    "tests/streams/worker/test_broker_away.py",
    "tests/trainer/test_keeping_up.py",
    "tests/deploy/machine/test_one_machine.py",
    "tests/streams/worker/test_swaps.py",
    "tests/deploy/topics/test_sources.py",
    "tests/trainer/parallel/test_process_group.py",
    "tests/deploy/labelling/test_serve.py",
    "tests/deploy/rejects/test_resend.py",
    "tests/streams/test_follower_under_load.py",
    "tests/streams/worker/test_unreadable_messages.py",
    "tests/trainer/test_ownership.py",
    "tests/streams/worker/test_rejects.py",
    "tests/benchmarks/downstream/test_worth.py",
    "tests/deploy/top/test_live.py",
    "tests/benchmarks/downstream/test_command.py",
    "tests/streams/test_follower_raw.py",
    "tests/deploy/replay/test_loop.py",
    "tests/packaging/test_wheel.py",
)
# A skip whose reason names one of these is a failure where MMBIND_REQUIRE_ALL is set: CI has both at hand.
PROVIDED = ("KAFKA_HOME", "MMBIND_TEST_DATA")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        places = {file: place for place, file in enumerate(LONGEST)}
        items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


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
