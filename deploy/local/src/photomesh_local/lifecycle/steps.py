"""Steps with needs, run as early and as parallel as their needs allow."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Status = Literal["waiting", "working", "done", "failed", "skipped"]


@dataclass(frozen=True)
class Step:
    """`run` gets a function to say what it is doing, and returns a word or two on how it went."""

    name: str
    group: str
    run: Callable[[Callable[[str], None]], Awaitable[str]]
    needs: Collection[str] = ()


@dataclass
class Progress:
    name: str
    group: str
    status: Status = "waiting"
    detail: str = ""
    seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)


class Display(Protocol):
    """Where progress is shown; told of every change."""

    def changed(self, progress: Progress) -> None: ...


def with_needs(steps: Mapping[str, Step], wanted: Collection[str] | None) -> list[Step]:
    """The steps that are wanted, by name or group, and all they need; None wants everything."""
    if wanted is None:
        return list(steps.values())
    unknown = {name for name in wanted if not any(name in (step.name, step.group) for step in steps.values())}
    if unknown:
        raise ValueError(f"nothing is named {', '.join(sorted(unknown))}")
    chosen = [step.name for step in steps.values() if step.name in wanted or step.group in wanted]
    for name in chosen:  # grows while it is walked
        chosen += [need for need in steps[name].needs if need not in chosen]
    return [step for step in steps.values() if step.name in chosen]


async def run_steps(steps: Collection[Step], display: Display, deadline: float) -> list[Progress]:
    """Run all; a failed step skips those that need it and lets the others end. `deadline` is in seconds each."""
    board = {step.name: Progress(step.name, step.group) for step in steps}
    ended = {step.name: asyncio.Event() for step in steps}

    async def one(step: Step) -> None:
        progress = board[step.name]

        def say(status: Status, detail: str) -> None:
            progress.status, progress.detail = status, detail
            progress.seconds = time.monotonic() - progress.began
            display.changed(progress)

        try:
            for need in step.needs:
                await ended[need].wait()
            if failed := [need for need in step.needs if board[need].status != "done"]:
                say("skipped", f"needs {', '.join(failed)}")
                return
            progress.began = time.monotonic()
            say("working", "")
            async with asyncio.timeout(deadline):
                detail = await step.run(lambda text: say("working", text))
            say("done", detail)
        except TimeoutError:
            say("failed", f"not ready after {deadline:.0f} s: {progress.detail}")
        except Exception as error:  # noqa: BLE001  (shown on the board; one failure must not hide the others)
            say("failed", str(error) or type(error).__name__)
        finally:
            ended[step.name].set()

    async with asyncio.TaskGroup() as group:
        for step in steps:
            group.create_task(one(step))
    return list(board.values())
