"""Sends the sandbox's notices over HTTP, retries those that were not answered 2xx, and lets time pass."""

import logging
import os
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

from payments.sandbox.signing import HEADER, sign
from payments.sandbox.store import Store

logger = logging.getLogger("sandbox")

EVERY = 0.1  # seconds
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Messenger:
    """A clock thread that finds what is due, and a few threads that carry it."""

    def __init__(self, store: Store, key: str) -> None:
        self.store, self.key = store, key
        self._stop = threading.Event()
        self._under_way: set[str] = set()
        self._carriers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="notice")
        self._clock = threading.Thread(target=self._run, name="clock", daemon=True)

    def start(self) -> None:
        self._clock.start()

    def stop(self) -> None:
        """What is under way ends; what is not delivered stays in the store for the next start."""
        self._stop.set()
        self._clock.join(timeout=5)
        self._carriers.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            self.store.tick()
            for notice in self.store.due_notices():
                if notice["id"] not in self._under_way:
                    self._under_way.add(notice["id"])
                    self._carriers.submit(self._carry, notice["id"])

    def _carry(self, notice_id: str) -> None:
        try:
            self.deliver(notice_id)
        finally:
            self._under_way.discard(notice_id)

    def deliver(self, notice_id: str, timeout: float = 10) -> None:
        """Send a notice now (its copies in parallel) and write down whether it was accepted."""
        notice = self.store.notice(notice_id)
        if notice["delivered_at"] is not None:
            return
        answers: list[bool] = []
        together = threading.Barrier(notice["copies"])

        def send() -> None:
            together.wait()
            answers.append(self._post(notice["url"], notice["body"].encode(), timeout))

        copies = [threading.Thread(target=send, daemon=True) for _ in range(notice["copies"])]
        for copy in copies:
            copy.start()
        for copy in copies:
            copy.join()
        if answers and all(answers):
            self.store.delivered(notice_id)
        else:
            self.store.not_delivered(notice_id)

    def _post(self, url: str, body: bytes, timeout: float) -> bool:
        request = urllib.request.Request(url, data=body, method="POST")
        request.add_header("Content-Type", "application/json")
        request.add_header("User-Agent", f"RihlaSandbox/1 (pid {os.getpid()})")
        request.add_header(HEADER, sign(self.key, body))
        try:
            with _direct.open(request, timeout=timeout) as answer:
                return 200 <= answer.status < 300
        except (OSError, HTTPException, ValueError) as fault:
            logger.info("notice not accepted: %s", fault)
            return False
