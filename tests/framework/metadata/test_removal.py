"""A run refuses a reset that it has seen, also if the reset has ended since."""

import pytest

from reporting_framework.errors import CommitConflict
from reporting_framework.metadata import removal
from reporting_framework.metadata.reset import ResetMarker
from reporting_framework.storage import open_store, parse_location


@pytest.mark.parametrize("ends", [False, True])
def test_a_marker_that_was_seen_stops_the_run(ends, monkeypatch):
    place = parse_location("memory://removal/out/_quarantine/e.reset")
    store = open_store(place.parent)
    store.replace(place.name, b"{}", content_type="text/plain", metadata={})
    marker = ResetMarker(place)
    monkeypatch.setattr(ResetMarker, "remote", True)
    exists = ResetMarker.exists

    def seen(self):
        found = exists(self)
        if ends:
            store.delete(place.name, if_version=None)
        return found

    monkeypatch.setattr(ResetMarker, "exists", seen)
    with pytest.raises(CommitConflict, match=r"e\.reset: a reset has begun"):
        removal.finish(None, marker, [], by_hand=False)
