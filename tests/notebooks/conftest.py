"""What the tests that come after the notebooks judge."""
from __future__ import annotations

import pytest

from least_privilege import WALK, Walk


@pytest.fixture(scope="session")
def walk(request: pytest.FixtureRequest) -> Walk:
    """The run of all notebooks that these tests follow."""
    walked = request.config.stash.get(WALK, None)
    if walked is None or walked.before_clean_up is None:
        pytest.skip("is about a run of all notebooks: pytest --nbval notebooks and this file")
    return walked
