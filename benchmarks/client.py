"""A load client: one thread, one `epoll`, keep-alive connections, some 20 µs of work for a request and its answer.

It runs on the machine that it measures, so that whatever it costs, both services pay.
"""

import heapq
import select
import socket
import time
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

LARGEST_READ = 1 << 18


@dataclass(frozen=True, slots=True)
class Ask:
    """A request as it goes over the line, what its time is counted as, and how long to wait before it is sent."""

    name: str
    raw: bytes
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


Visitor = Generator[Ask, Answer, None]  # somebody who asks one thing after another on one connection


@dataclass(slots=True)
class Tally:
    """What was answered within the measured time."""

    seconds: float = 0.0
    latencies: dict[str, list[float]] = field(default_factory=dict)  # seconds, by name
    statuses: Counter[int] = field(default_factory=Counter)
    refused: dict[int, bytes] = field(default_factory=dict)  # the first body of each status that is no success

    @property
    def answered(self) -> int:
        return sum(self.statuses.values())

    @property
    def errors(self) -> int:
        return sum(number for status, number in self.statuses.items() if not 200 <= status < 400)


class Line:
    """One connection and the visitor who uses it."""

    def __init__(self, address: tuple[str, int], visitor: Visitor) -> None:
        self.socket = socket.create_connection(address, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.visitor = visitor
        self.ask: Ask = next(visitor)
        self.sent_at = 0.0
        self.buffer = b""
        self.needed = 0

    def send(self) -> None:
        self.buffer, self.needed = b"", 0
        self.sent_at = time.perf_counter()
        if self.socket.send(self.ask.raw) != len(self.ask.raw):
            raise RuntimeError("a request did not fit into the socket's buffer")

    def read(self) -> Answer | None:
        """What has come; the answer once it is whole."""
        news = self.socket.recv(LARGEST_READ)
        if not news:
            raise RuntimeError(f"the server closed the connection after {self.ask.name}")
        self.buffer = self.buffer + news if self.buffer else news
        if not self.needed:
            head = self.buffer.find(b"\r\n\r\n")
            if head < 0:
                return None
            self.needed = head + 4 + length_of(self.buffer[:head].lower())
        if len(self.buffer) < self.needed:
            return None
        start = self.buffer.find(b"\r\n\r\n") + 4
        return Answer(int(self.buffer[9:12]), self.buffer[start:])


def length_of(head: bytes) -> int:
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        if b"\r\ntransfer-encoding:" in head:
            raise RuntimeError("the answer comes in chunks, which this client does not read")
        return 0
    return int(head[at + 17 :].split(b"\r\n", 1)[0])


def visit(url: str, visitors: list[Visitor], seconds: float) -> Tally:
    """Let the visitors ask for so many seconds; each begins at once, and whoever is done leaves."""
    parts = urlsplit(url)
    address = (parts.hostname or "127.0.0.1", parts.port or 80)
    poll, lines = select.epoll(), {}
    for visitor in visitors:
        line = Line(address, visitor)
        lines[line.socket.fileno()] = line
        poll.register(line.socket, select.EPOLLIN)
    tally, order = Tally(), count()
    waiting: list[tuple[float, int, Line]] = []  # when, in which order, whose request is sent
    began = time.perf_counter()
    until = began + seconds
    for line in lines.values():
        heapq.heappush(waiting, (began + line.ask.pause, next(order), line))
    try:
        while (moment := time.perf_counter()) < until and lines:
            while waiting and waiting[0][0] <= moment:
                heapq.heappop(waiting)[2].send()
            patience = min(until, waiting[0][0] if waiting else until) - moment
            for descriptor, _events in poll.poll(max(patience, 0.0), 256):
                line = lines[descriptor]
                answer = line.read()
                if answer is None:
                    continue
                moment = time.perf_counter()
                tally.statuses[answer.status] += 1
                tally.latencies.setdefault(line.ask.name, []).append(moment - line.sent_at)
                if not 200 <= answer.status < 400:
                    tally.refused.setdefault(answer.status, answer.body)
                try:
                    line.ask = line.visitor.send(answer)
                except StopIteration:
                    poll.unregister(descriptor)
                    line.socket.close()
                    del lines[descriptor]
                    continue
                if line.ask.pause:
                    heapq.heappush(waiting, (moment + line.ask.pause, next(order), line))
                else:
                    line.send()
        tally.seconds = time.perf_counter() - began
    finally:
        for line in lines.values():
            line.socket.close()
        poll.close()
    return tally


def each(asks: Iterator[Ask]) -> Visitor:
    """A visitor who takes the next request of a list that several share, whatever is answered."""
    for ask in asks:  # noqa: UP028  what is sent in must not reach a list that several share
        yield ask


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request as it goes over the line."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
