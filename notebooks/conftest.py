"""Lets `pytest --nbval notebooks/` work as typed. pytest looks for this file here; what it does is among the tests."""
from notebook_walk import (  # noqa: F401
    pytest_configure,
    pytest_runtest_setup,
    pytest_runtest_teardown,
    pytest_unconfigure,
)
