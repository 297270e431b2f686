"""Speaking to the person at the keyboard, and listening to signals."""

import contextlib
import os
import select
import signal
from typing import Any


def say(text: str) -> None:
    """To the person at the keyboard, if there still is one."""
    with contextlib.suppress(OSError):
        print(f"rihla: {text}", flush=True)


class Attention:
    """Signals, and waiting that they interrupt."""

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)

    def __init__(self) -> None:
        self.asked = 0  # how often we were asked to stop

    def __enter__(self) -> "Attention":
        self.reading, self.writing = pipe()
        self.before_wakeup = signal.set_wakeup_fd(self.writing, warn_on_full_buffer=False)
        self.before = {number: signal.getsignal(number) for number in self.NUMBERS}
        for number in self.NUMBERS:
            if not (number == signal.SIGHUP and self.before[number] == signal.SIG_IGN):  # nohup
                signal.signal(number, self.notice)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self.before_wakeup)
        os.close(self.reading)
        os.close(self.writing)

    def notice(self, number: int, _frame: Any) -> None:
        if number != signal.SIGCHLD:
            self.asked += 1

    def stop_asked(self) -> bool:
        return self.asked > 0

    def wait(self, seconds: float) -> None:
        """Wait until the time is over or a signal comes, the end of a child included."""
        with contextlib.suppress(InterruptedError):
            if select.select([self.reading], [], [], max(seconds, 0))[0]:
                os.read(self.reading, 4096)


def pipe() -> tuple[int, int]:
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends
