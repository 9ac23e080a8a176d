"""Pages in a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import browser, chromium, fetched_axe


@pytest.fixture(scope="session")
def running() -> Iterator[Browser]:
    """A headless Chromium, for all tests."""
    program = chromium()
    if program is None:
        pytest.skip("there is no Chromium on this machine")
    with browser(program) as found:
        yield found


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What looks for obstacles in a page."""
    found = fetched_axe(tmp_path_factory.mktemp("axe"))
    if found is None:
        pytest.skip("axe-core cannot be had: there is no npm, or no registry")
    return found
