"""Several tasks at once, each in a thread: transfers, or the devices of a machine."""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

Result = TypeVar("Result")


def run_in_threads(
    tasks: Sequence[Callable[[], Result]], *, num_threads: int, stop: threading.Event
) -> list[Result]:
    """Run tasks, so many at once, and return their results in the tasks' order.

    The first error is raised at once, as is Ctrl-C; `stop` then tells the other tasks.
    Their threads are daemons: nobody waits for one that a silent server holds.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Result | None, BaseException | None]] = queue.SimpleQueue()
    for index in range(len(tasks)):
        waiting.put(index)

    def work() -> None:
        while not stop.is_set():
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((index, tasks[index](), None))
            except BaseException as error:  # raised again by who waits
                done.put((index, None, error))

    for _ in range(min(num_threads, len(tasks))):
        threading.Thread(target=work, daemon=True).start()
    results = {}
    try:
        for _ in tasks:
            index, result, error = done.get()
            if error is not None:
                raise error
            results[index] = result
    except BaseException:
        stop.set()
        raise
    return [results[index] for index in range(len(tasks))]  # type: ignore[misc]


def run_within(seconds: float, task: Callable[[], Result]) -> Result:
    """Run a task that may hang, in a daemon thread that nobody waits for then.

    Raises:
        TimeoutError: if it takes longer.
    """
    done: queue.SimpleQueue[tuple[Result | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            done.put((task(), None))
        except BaseException as error:  # raised again by who waits
            done.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        result, error = done.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]
