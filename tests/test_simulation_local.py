"""The simulated pipe beside the local AWS, where both can run: the same changes, batches, window and fault."""
from __future__ import annotations

import pytest

from simulation import Pipe, simulate
from triggered_table import TriggeredTable, eventually

CHANGES = 500


def simulated(**settings) -> int:
    """The invocations that CHANGES made at once take, by the simulation."""
    run = simulate(Pipe(CHANGES, **settings), 30, load=lambda second: CHANGES * (second == 0))
    assert run.delivered[-1] == CHANGES
    return run.invocations


@pytest.mark.parametrize("batch_size, window", [(100, 2), (10_000, 2)])
def test_as_many_invocations_as_the_local_aws_makes(aws, batch_size, window):
    table = TriggeredTable(aws, trigger=False)
    try:
        table.put_together(*map(str, range(CHANGES)))
        table.uuid = table.connect(BatchSize=batch_size, MaximumBatchingWindowInSeconds=window)
        eventually(lambda: len(table.delivered()) == CHANGES, 20, "the delivery of all changes")
        assert len(table.batches()) == simulated(batch_size=batch_size, window=window, event_bytes=300)
        assert max(map(len, table.batches())) == min(batch_size, CHANGES)
    finally:
        table.remove()


def test_after_a_fault_the_backlog_goes_in_as_many_batches_as_the_local_aws_needs(aws):
    """While nothing is taken from the stream, changes wait; then they are taken, none lost, in full batches."""
    table = TriggeredTable(aws, BatchSize=100, MaximumBatchingWindowInSeconds=1)
    try:
        table.update(Enabled=False)
        eventually(lambda: table.mapping()["State"] == "Disabled", what="the trigger's end")
        table.put_together(*map(str, range(CHANGES)))
        table.update(Enabled=True)
        eventually(lambda: len(table.delivered()) == CHANGES, 20, "the delivery of all changes")
        run = simulate(Pipe(CHANGES, batch_size=100, window=1, event_bytes=300, timeout=1), 30, fault=(0, 3),
                       load=lambda second: CHANGES * (second == 0))
        assert sorted(table.delivered(), key=int) == [str(number) for number in range(CHANGES)]
        assert run.delivered[-1] == CHANGES and run.delivered[2] == 0
        failed = 3  # attempts of a second each, in vain
        assert len(table.batches()) == run.invocations - failed
    finally:
        table.remove()
