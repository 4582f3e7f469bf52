"""One world of five regions serves all tests of a file; a test that breaks things heals them."""

import pytest

from mecworld import World


@pytest.fixture(scope="module")
def world():
    with World() as world:
        yield world
