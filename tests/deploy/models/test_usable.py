"""A version is named by its number, or by a channel that is at it."""

import pytest

from deploy.errors import CommandError
from deploy.models.usable import number_of
from streams.models.channels import ChannelView, move_record, version_record
from tests.support.models import bundle


@pytest.fixture
def view() -> ChannelView:
    """stable is at 2, canary at none, 7 is a channel that is at 1."""
    view = ChannelView()
    records = [version_record(bundle(version).manifest) for version in (1, 2)]
    for offset, record in enumerate(records):
        assert view.apply(*record, offset) is None
    for channel, version in [("stable", 2), ("canary", 1), ("canary", 0), ("7", 1)]:
        assert view.apply(*move_record(view, channel, version, "", "test", 1), 9) is None
    return view


def test_a_number_is_a_version_and_a_name_is_what_the_channel_is_at(view: ChannelView) -> None:
    assert [number_of(view, named) for named in (1, "1", "02", "stable")] == [1, 1, 2, 2]


@pytest.mark.parametrize("named", ["canary", "unheard-of", "-1", "1.0", "", "²"])
def test_what_names_none_is_refused_with_what_there_is(view: ChannelView, named: str) -> None:
    with pytest.raises(CommandError) as told:
        number_of(view, named)
    there = "neither a version (1, 2) nor a channel that is at one (7 -> 1, stable -> 2)"
    assert str(told.value) == f"{named!r} is {there}"


@pytest.mark.parametrize("named", ["7", "3", 0])
def test_an_unknown_number_is_refused_with_those_that_there_are(view: ChannelView, named: int | str) -> None:
    with pytest.raises(CommandError, match=f"version {named} is unknown, wanted one of: 1, 2"):
        number_of(view, named)
