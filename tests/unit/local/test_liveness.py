"""When a program of the local stack is taken for dead."""

from __future__ import annotations

from signal import SIGKILL, SIGTERM

from photomesh_local.lifecycle.liveness import Watch


def test_three_failures_in_a_row_terminate_and_three_more_kill() -> None:
    watch = Watch()
    assert watch.judge(7, True) is None
    assert [watch.judge(7, False) for _ in range(7)] == [None, None, SIGTERM, None, None, SIGKILL, None]


def test_a_success_or_another_process_begins_anew() -> None:
    watch = Watch()
    watch.judge(7, True)
    assert [watch.judge(7, healthy) for healthy in (False, False, True, False, False)] == [None] * 5
    assert [watch.judge(8, False) for _ in range(9)] == [None] * 9, "process 8 is still starting"
    watch.judge(8, True)
    assert [watch.judge(8, False) for _ in range(3)] == [None, None, SIGTERM]
