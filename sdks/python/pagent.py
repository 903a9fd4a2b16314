"""Make Python functions callable by a pagent master: `rpc.call('add', 1, 2)` there runs `add(1, 2)` here.

    import pagent

    def add(a, b):
        return a + b

    pagent.serve({"add": add})

One file, no dependency, Python 3.8 or newer, POSIX. The protocol is JSON-RPC 2.0, one message a line: docs/protocol.md.

Who runs what:

- Plain functions and generators run in threads, at most `threads` of them at a time; small calls that come together are
  run one after the other by one thread, and their answers leave in one write.
- `async` functions and generators run as tasks of one event loop, in a thread of its own.
- The thread that called `serve` only reads, so a cancellation is heard whatever the functions do.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import contextvars
import errno
import inspect
import json
import os
import queue
import re
import select
import signal
import sys
import threading
import time
import traceback
from types import ModuleType
from typing import Any, AsyncIterator, Callable, Deque, Dict, Iterator, List, Mapping, Optional, Set, Tuple, Union

__all__ = ["Call", "Cancelled", "Error", "Master", "claim_stdio", "current_call", "master", "serve"]
__version__ = "0.1.0"

# The codes of errors: those of JSON-RPC 2.0, and LSP's for what was cancelled.
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INTERNAL_ERROR = -32603
FAILED = -32000
OVERLOADED = -32001
CANCELLED = -32800

_MAX_LINE = 2**20
_MAX_IN_FLIGHT = 10_000
_CHUNK = 2**18
# With so many bytes waiting for the master to read, who answers waits too.
_PRESSURE = 2**20
# Answers that may gather before they are written.
_GATHER = 64
# Seconds after which what waits is looked after: answers behind a slow call, calls behind another.
_TICK = 0.001
# A thread that has finished so many calls in a tick needs no help.
_BRISK = 8
# Items of a stream of the master that may be on their way.
_WINDOW = 64
# Seconds that running calls get to clean up after SIGTERM or Ctrl-C.
_GRACE = 1.0

_NOTHING: Any = object()
_PLAIN = frozenset({int, float, bool, str, list, dict, tuple, type(None)})


class Error(Exception):
    """An error with a code and data of its own.

    Raise it in a function, and the master's caller gets both; `master.call` raises it with what the master said.
    """

    def __init__(self, message: str, code: int = FAILED, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.data = data


class Cancelled(Exception):
    """The call that is being served was cancelled: raised by `Call.check` and by waiting for the master."""


class Call:
    """The call that a function serves; `current_call()` has it."""

    __slots__ = (
        "cancelled",
        "meta",
        "_args",
        "_credit",
        "_granted",
        "_has_begun",
        "_held",
        "_id",
        "_is_parked",
        "_is_stream",
        "_is_taken",
        "_items",
        "_key",
        "_kwargs",
        "_listeners",
        "_run",
        "_server",
        "_task",
    )

    cancelled: bool
    """True once nobody waits for the answer any more."""

    meta: Mapping[str, Any]
    """What the caller sent with it: `traceparent` and its like, where the caller propagates. Empty otherwise."""

    def __init__(
        self, server: _Server, call_id: Any, run: Callable[..., Any], params: Any, credit: Optional[int], meta: Any
    ):
        self._server = server
        self._id = call_id
        self._key = object() if call_id is None else call_id
        self._run = run
        self._args: Any = ()
        self._kwargs: Mapping[str, Any] = {}
        if type(params) is list:
            self._args = params
        elif type(params) is dict:
            self._kwargs = params
        elif params is not None:
            self._args = (params,)
        self.meta = meta if type(meta) is dict else {}
        self._is_stream = credit is not None
        self._credit = credit or 0
        self._listeners: Optional[List[Callable[[], Any]]] = None
        self._task: Optional[asyncio.Task[None]] = None
        self._granted: Optional[asyncio.Event] = None
        self._items: Optional[Iterator[Any]] = None
        self._held: Any = _NOTHING
        self._is_parked = False
        self._is_taken = False
        self._has_begun = False
        self.cancelled = False

    def progress(self, value: Any) -> None:
        """Tell the caller's `onProgress`. Any JSON value. Left out while the master does not read."""
        if self._id is not None and not self._server.is_choked:
            self._server.note("$/progress", {"id": self._id, "value": value})

    def on_cancel(self, listener: Callable[[], Any]) -> None:
        """Have `listener()` called, from another thread, when the call is cancelled; at once when it was. Be brief."""
        with self._server.lock:
            if not self.cancelled:
                if self._listeners is None:
                    self._listeners = []
                self._listeners.append(listener)
                return
        listener()

    def check(self) -> None:
        """Raise `Cancelled` if the call was cancelled: for the loops of plain functions."""
        if self.cancelled:
            raise Cancelled("the call was cancelled")

    def wait(self, seconds: Optional[float] = None) -> bool:
        """Sleep, in a plain function, but no longer than until the call is cancelled. True when it was."""
        over = threading.Event()
        self.on_cancel(over.set)
        over.wait(seconds)
        self._forget_listener(over.set)
        return self.cancelled

    def _take(self) -> bool:
        """True for the one who may run it, or answer that it was cancelled before it ran."""
        with self._server.lock:
            was_taken, self._is_taken = self._is_taken, True
        return not was_taken

    def _forget_listener(self, listener: Callable[[], Any]) -> None:
        with self._server.lock:
            if self._listeners is not None and listener in self._listeners:
                self._listeners.remove(listener)

    def _cancel(self) -> None:
        with self._server.lock:
            self.cancelled = True
            listeners, self._listeners = self._listeners or [], None
        for listener in listeners:
            try:
                listener()
            except Exception:
                traceback.print_exc()


_current: contextvars.ContextVar[Optional[Call]] = contextvars.ContextVar("pagent_call", default=None)


def current_call() -> Call:
    """The call that is being served. In an `async` function, also after an `await`."""
    call = _current.get()
    if call is None:
        raise RuntimeError("Cannot tell the current call: use current_call() in a served function")
    return call


class Master:
    """Calls functions of the master: those it gave to `worker.rpc({ serve })`. Use the one there is, `pagent.master`."""

    def call(self, method: str, *args: Any, timeout: Optional[float] = None) -> Any:
        """Call a function of the master from a plain function, and wait for what it returns.

        While this waits, its thread does not count: a function may call the master, which calls it again, and so on.

        Raises `Error` with what the master said, `TimeoutError`, and `Cancelled` when the call that is being served was
        cancelled meanwhile.
        """
        _no_loop("call", "call_async")
        server = _serving()
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        call_id = server.ask(method, args, lambda *answer: answers.put(answer))
        try:
            error, result = server.take(answers, timeout)
        except queue.Empty:
            raise TimeoutError(_no_answer(method, timeout)) from None
        finally:
            server.forget(call_id)
        if error is not None:
            raise error
        return result

    async def call_async(self, method: str, *args: Any, timeout: Optional[float] = None) -> Any:
        """The same for `async` functions."""
        server = _serving()
        loop = asyncio.get_running_loop()
        answered = loop.create_future()

        def settle(error: Optional[Error], result: Any) -> None:
            if answered.done():
                return
            if error is None:
                answered.set_result(result)
            else:
                answered.set_exception(error)

        call_id = server.ask(method, args, lambda *answer: _call_soon(loop, settle, *answer))
        try:
            return await asyncio.wait_for(answered, timeout)
        except asyncio.TimeoutError:
            raise TimeoutError(_no_answer(method, timeout)) from None
        finally:
            server.forget(call_id)

    def notify(self, method: str, *args: Any) -> None:
        """Call a function of the master and do not want to know."""
        _serving().note(method, list(args))

    def stream(self, method: str, *args: Any) -> Iterator[Any]:
        """Read what a function of the master streams, at the pace of the reader. For plain functions."""
        _no_loop("stream", "stream_async")
        server = _serving()
        arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def items() -> Iterator[Any]:
            call_id = server.ask(method, args, lambda *answer: arrived.put(answer), arrived.put)
            try:
                for taken in _counted():
                    item = server.take(arrived)
                    if type(item) is tuple:
                        if item[0] is not None:
                            raise item[0]
                        return
                    if taken % (_WINDOW // 2) == 0:
                        server.note("$/credit", {"id": call_id, "more": _WINDOW // 2})
                    yield item[0]
            finally:
                server.forget(call_id)

        return items()

    async def stream_async(self, method: str, *args: Any) -> AsyncIterator[Any]:
        """The same for `async` functions."""
        server = _serving()
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[Any] = asyncio.Queue()

        def put(item: Any) -> None:
            _call_soon(loop, arrived.put_nowait, item)

        call_id = server.ask(method, args, lambda *answer: put(answer), put)
        try:
            for taken in _counted():
                item = await arrived.get()
                if type(item) is tuple:
                    if item[0] is not None:
                        raise item[0]
                    return
                if taken % (_WINDOW // 2) == 0:
                    server.note("$/credit", {"id": call_id, "more": _WINDOW // 2})
                yield item[0]
        finally:
            server.forget(call_id)


master = Master()
"""The master of this worker."""


def serve(
    functions: Union[Mapping[str, Callable[..., Any]], ModuleType, object],
    *,
    threads: Optional[int] = None,
    max_in_flight: int = _MAX_IN_FLIGHT,
    max_line: int = _MAX_LINE,
) -> None:
    """Serve functions to the master. Returns when the master has closed stdin and every call is answered.

    `functions` is a dict of functions by name; or a module, whose own functions are served (those in `__all__`, or else
    all whose names do not begin with an underscore and that it did not import); or an object, whose methods are, those
    with an underscore left out. Nothing else can be reached: a method name is looked up among these, once.

    What a function returns is the answer, any JSON value; a generator or another iterator is a stream; what it raises
    is an error. `print()` writes to stderr from now on, as do programs that are started: stdout belongs to the messages.

    `threads`: how many plain functions run at a time; 1 has them run one after the other. Default: the number of CPUs
    and 4 more, 32 at most. `async` functions are not counted.
    `max_in_flight`: calls that may be unanswered; more are refused.
    `max_line`: the longest message in bytes, both ways; a longer answer becomes an error.

    Raises `SystemExit`: with 143 after SIGTERM and 130 after Ctrl-C, when what runs has been cancelled and had a second
    to clean up; with 1 after what is no message.
    """
    global _server
    if _server is not None:
        raise RuntimeError("Cannot serve twice: one process has one stdin")
    methods = _methods_of(functions)
    bound = min(32, (os.cpu_count() or 1) + 4) if threads is None else threads
    if bound < 1:
        raise ValueError(f"Cannot use {bound} threads: expected a number from 1")
    _server = _Server(methods, bound, max_in_flight, max_line)
    _server.run()


def claim_stdio() -> Tuple[int, int]:
    """Keep stdin and stdout for the messages, from now on: `serve` does it.

    Call it first in a program that imports what prints to stdout while it is imported. Returns the private descriptors
    of both; what others write to stdout goes to stderr, and their stdin is empty.
    """
    global _stdio
    if _stdio is None:
        _stdio = (os.dup(0), os.dup(1))
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        # What was printed before, and has not left yet, follows.
        if sys.stdout is not None:
            sys.stdout.flush()
        sys.stdout = sys.stderr
    return _stdio


_server: Optional[_Server] = None
_stdio: Optional[Tuple[int, int]] = None


def _serving() -> _Server:
    if _server is None:
        raise RuntimeError("Cannot call the master: serve() first")
    return _server


def _methods_of(functions: Any) -> Dict[str, Callable[..., Any]]:
    if isinstance(functions, Mapping):
        methods = dict(functions)
        for name, function in methods.items():
            if not isinstance(name, str) or not callable(function):
                raise TypeError(f"Cannot serve {name!r}: expected functions by their names")
        return methods
    if isinstance(functions, ModuleType):
        named = getattr(functions, "__all__", None)
        if named is not None:
            return {name: getattr(functions, name) for name in named if callable(getattr(functions, name))}
        return {
            name: value
            for name, value in vars(functions).items()
            if not name.startswith("_") and inspect.isroutine(value) and value.__module__ == functions.__name__
        }
    if functions is None or inspect.isroutine(functions) or isinstance(functions, _NO_OBJECTS):
        raise TypeError(
            f"Cannot serve {functions!r}: expected a dict of functions, a module, or an object with methods"
        )
    return {
        name: getattr(functions, name)
        for name in dir(functions)
        if not name.startswith("_") and _is_method(inspect.getattr_static(functions, name, None))
    }


_NO_OBJECTS = (type, str, bytes, int, float, list, tuple, set)


def _is_method(value: Any) -> bool:
    """Told without looking at a property, which would run it."""
    return isinstance(value, (staticmethod, classmethod)) or (callable(value) and not isinstance(value, type))


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


# The head of a request as the master writes it.
_REQUEST = re.compile(r'\{"jsonrpc":"2\.0","id":(\d{1,15}),"method":')
_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
_encode_text = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode
_encode_ascii = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def _encode(value: Any) -> bytes:
    try:
        return _encode_text(value).encode()
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8, but an escape.
        return _encode_ascii(value).encode()


class _Output:
    """Where lines wait for the pipe: all that wait leave in one write."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._writing = threading.Lock()
        self._counting = threading.Lock()
        self._bytes = 0
        self.lines: List[bytes] = []
        self.is_broken = False

    def add(self, line: bytes) -> None:
        if len(line) > 4096:
            with self._counting:
                self._bytes += len(line)
        self.lines.append(line)

    def flush(self) -> None:
        """Write what waits. While somebody else does, that one writes it; under pressure, wait."""
        while self.lines:
            if not self._writing.acquire(self._bytes > _PRESSURE):
                return
            try:
                self._write()
            finally:
                self._writing.release()

    def drain(self) -> None:
        """Write all there is, and wait for who writes."""
        with self._writing:
            while self.lines:
                self._write()

    def _write(self) -> None:
        lines = self.lines[:]
        del self.lines[: len(lines)]
        if not lines:
            return
        rest = memoryview(b"".join(lines))
        try:
            while rest and not self.is_broken:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                print(f"pagent: cannot write to the master: {error}", file=sys.stderr)
            self.is_broken = True
        with self._counting:
            self._bytes -= sum(len(line) for line in lines if len(line) > 4096)


class _Server:
    """One conversation with the master."""

    def __init__(self, methods: Mapping[str, Callable[..., Any]], threads: int, max_in_flight: int, max_line: int):
        self._methods = {name: (run, _is_async(run)) for name, run in methods.items()}
        self._bound = threads
        self._max_in_flight = max_in_flight
        self._max_line = max_line
        self._stdin, stdout = claim_stdio()
        self._output = _Output(stdout)
        self.lock = threading.Lock()
        # Served calls.
        self._running: Dict[Any, Call] = {}
        self._is_closing = False
        self._idle = threading.Event()
        # Threads, and what they have to do.
        self._jobs: Deque[Call] = collections.deque()
        self._resting: List[threading.Lock] = []
        self._active = 0
        self._blocked = 0
        self._finished = 0
        self._finished_before = 0
        self._is_worker = threading.local()
        # A thread that writes for those who must not wait.
        self._reader = threading.get_ident()
        self._must_write = threading.Event()
        self._writer: Optional[threading.Thread] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._loop_thread: Optional[threading.Thread] = None
        self._for_loop: List[Tuple[Callable[..., Any], Tuple[Any, ...]]] = []
        # Calls to the master.
        self._last_id = 0
        self._asked: Dict[Any, Tuple[Callable[..., None], Optional[Callable[..., None]]]] = {}
        self._forgotten: Set[Any] = set()

    # ── the life ──

    def run(self) -> None:
        """Until stdin has ended and every call is answered."""
        is_sound = False
        with _signals():
            try:
                is_sound = self._read()
                self._close()
                while self._running:
                    self._idle.wait(self._patience())
                    self._tick()
            except (KeyboardInterrupt, SystemExit) as ending:
                self._abandon()
                raise SystemExit(130 if isinstance(ending, KeyboardInterrupt) else ending.code) from None
            finally:
                self._stop_loop()
        self._output.drain()
        if not is_sound:
            raise SystemExit(1)

    def _close(self) -> None:
        """Nothing more will come: no answer, no credit, no cancellation."""
        with self.lock:
            self._is_closing = True
            parked = [call for call in list(self._running.values()) if call._is_parked]
            asked, self._asked = self._asked, {}
        for call in parked:
            self._resume(call, 0)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake_streams)
        for answered, _ in asked.values():
            answered(_closed(), None)
        self._dispatch()

    def _abandon(self) -> None:
        """A signal: what runs is cancelled, and gets a moment."""
        self._close()
        for call in list(self._running.values()):
            self._cancel(call._key)
        self._dispatch()
        until = time.monotonic() + _GRACE
        while (self._running or self._output.lines) and time.monotonic() < until:
            self._write_soon()
            time.sleep(0.005)
            self._tick()

    # ── reading ──

    def _read(self) -> bool:
        """False when what came was no message."""
        poll = select.poll()
        poll.register(self._stdin, select.POLLIN)
        rest: List[bytes] = []
        length = 0
        ticked = time.monotonic()
        while True:
            patience = self._patience()
            ready = poll.poll(None if patience is None else patience * 1000)
            if patience is not None and time.monotonic() - ticked >= _TICK:
                self._tick()
                ticked = time.monotonic()
            if not ready:
                continue
            chunk = os.read(self._stdin, _CHUNK)
            if not chunk:
                return length == 0 or self._take(b"".join(rest))
            end = chunk.rfind(b"\n")
            if end >= 0:
                rest.append(chunk[:end])
                if not self._take(b"".join(rest)):
                    return False
                rest, length, chunk = [], 0, chunk[end + 1 :]
            if chunk:
                rest.append(chunk)
                length += len(chunk)
            if length > self._max_line + 1:
                return self._refuse(f"a line longer than {self._max_line} bytes")

    def _take(self, lines: bytes) -> bool:
        """Whole lines, without the end of the last."""
        if len(lines) > self._max_line and any(len(line.rstrip(b"\r")) > self._max_line for line in lines.split(b"\n")):
            return self._refuse(f"a line longer than {self._max_line} bytes")
        is_sound = True
        for line in lines.decode("utf-8", "replace").split("\n"):
            try:
                message = _decode(line)
            except RecursionError:
                self._pass_over(line)
                continue
            except ValueError:
                if not line.strip(" \t\r\n\ufeff"):
                    continue
                try:
                    message = _decode(line.lstrip("\ufeff"))
                except (ValueError, RecursionError):
                    is_sound = self._refuse(f"a line that is not JSON: {_shown(line)}")
                    break
            if type(message) is list and message:
                for one in message:
                    self._accept(one)
            else:
                self._accept(message)
        self._dispatch()
        return is_sound

    def _pass_over(self, line: str) -> None:
        """What is nested deeper than Python reads; a caller waits for it all the same."""
        self._refuse("what is nested too deeply")
        asked = _REQUEST.match(line)
        if asked is not None:
            self._fail(int(asked.group(1)), INVALID_REQUEST, "it is nested too deeply for Python")

    def _refuse(self, what: str) -> bool:
        print(f"pagent: the master has sent {what}", file=sys.stderr, flush=True)
        return False

    def _accept(self, message: Any) -> None:
        if type(message) is dict:
            method = message.get("method")
            if type(method) is str:
                call_id = message.get("id")
                if call_id is None:
                    return self._notified(method, message.get("params"), message.get("_meta"))
                if type(call_id) in (int, str, float):
                    return self._requested(call_id, method, message)
            elif method is None and ("result" in message or "error" in message):
                return self._answered(message)
        self._refuse(f"what is no JSON-RPC message: {_shown(message)}")

    def _requested(self, call_id: Any, method: str, message: Dict[str, Any]) -> None:
        found = self._methods.get(method)
        if found is None:
            return self._fail(call_id, METHOD_NOT_FOUND, f"there is no method {json.dumps(method)}")
        if call_id in self._running:
            return self._fail(call_id, INVALID_REQUEST, f"a call with the id {call_id} is running")
        if len(self._running) >= self._max_in_flight:
            return self._fail(call_id, OVERLOADED, f"{self._max_in_flight} calls are running")
        credit = message.get("credit")
        if credit is not None and (type(credit) is not int or credit < 0):
            return self._fail(call_id, INVALID_REQUEST, "the credit must be a number from 0")
        self._begin(Call(self, call_id, found[0], message.get("params"), credit, message.get("_meta")), found[1])

    def _notified(self, method: str, params: Any, meta: Any) -> None:
        if not method.startswith("$/"):
            found = self._methods.get(method)
            if found is not None and len(self._running) < self._max_in_flight:
                self._begin(Call(self, None, found[0], params, None, meta), found[1])
            return
        if type(params) is not dict:
            return
        call_id, value = params.get("id"), params.get("value")
        if type(call_id) not in (int, str, float):
            return
        if method == "$/cancelRequest":
            self._cancel(call_id)
        elif method == "$/credit":
            more, call = params.get("more"), self._running.get(call_id)
            if call is not None and type(more) is int and more > 0:
                self._resume(call, more)
        elif method == "$/item":
            asked = self._asked.get(call_id)
            if asked is not None and asked[1] is not None:
                # A list of one, to tell it from the answer.
                asked[1]([value])

    def _answered(self, message: Dict[str, Any]) -> None:
        call_id = message.get("id")
        if type(call_id) is int:
            asked = self._asked.pop(call_id, None)
            if asked is not None:
                error = message.get("error")
                return asked[0](None if error is None else _error_of(error), message.get("result"))
            if call_id in self._forgotten:
                return self._forgotten.discard(call_id)
        self._refuse(f"an answer to what was not asked: {_shown(message)}")

    def _begin(self, call: Call, is_async: bool) -> None:
        self._running[call._key] = call
        if is_async:
            call._is_taken = True
            self._for_loop.append((self._start_task, (call,)))
        else:
            self._jobs.append(call)

    def _cancel(self, key: Any) -> None:
        call = self._running.get(key)
        if call is None:
            return
        call._cancel()
        # It waits for a thread, and perhaps for long.
        if call._take():
            with contextlib.suppress(ValueError, IndexError):
                self._jobs.remove(call)
            return self._threw(call, Cancelled())
        if self._loop is not None or self._for_loop:
            self._for_loop.append((self._cancel_task, (call,)))
        self._resume(call, 0)

    def _resume(self, call: Call, more: int) -> None:
        """More credit, or none will come: a stream that waits for it goes on."""
        with self.lock:
            call._credit += more
            was_parked, call._is_parked = call._is_parked, False
        if was_parked:
            self._jobs.append(call)
        elif call._granted is not None:
            self._for_loop.append((call._granted.set, ()))

    def _dispatch(self) -> None:
        """What one read brought begins."""
        if self._for_loop:
            work, self._for_loop = self._for_loop, []
            self._loop_for_calls().call_soon_threadsafe(_all, work)
        if self._jobs and self._active <= self._blocked:
            self._wake(1)

    # ── threads ──

    def _patience(self) -> Optional[float]:
        """Seconds until what waits is looked after; None when nothing does. Where nobody can help, only answers gather."""
        if self._output.lines:
            return _TICK
        if not self._jobs:
            return None
        return _TICK if self._active - self._blocked < self._bound else 5 * _TICK

    def _tick(self) -> None:
        """Something waits behind something slow: another thread helps."""
        finished = self._finished - self._finished_before
        self._finished_before += finished
        if self._jobs and finished < _BRISK:
            self._wake(1 if finished > 0 else len(self._jobs))
        if self._output.lines:
            self._write_soon()

    def _wake(self, most: int) -> None:
        with self.lock:
            for _ in range(most):
                if self._active - self._blocked >= self._bound:
                    return
                self._active += 1
                if self._resting:
                    self._resting.pop().release()
                else:
                    threading.Thread(target=self._work, name="pagent", daemon=True).start()

    def _work(self) -> None:
        bell = threading.Lock()
        bell.acquire()
        self._is_worker.yes = True
        jobs, output = self._jobs, self._output
        while True:
            try:
                call = jobs.popleft()
            except IndexError:
                output.flush()
                with self.lock:
                    if jobs:
                        continue
                    self._active -= 1
                    if len(self._resting) >= self._bound:
                        return
                    self._resting.append(bell)
                bell.acquire()
                continue
            self._run_call(call)
            self._finished += 1
            if len(output.lines) >= _GATHER:
                output.flush()

    def _run_call(self, call: Call) -> None:
        _current.set(call)
        try:
            if call._items is not None:
                return self._pump(call, call._items)
            if not call._take():
                return
            result = call._run(*call._args, **call._kwargs)
            if type(result) not in _PLAIN:
                if isinstance(result, collections.abc.Iterator):
                    return self._stream(call, result)
                if inspect.isawaitable(result) or isinstance(result, collections.abc.AsyncIterator):
                    call._run, call._args, call._kwargs = (lambda: result), (), {}
                    self._loop_for_calls().call_soon_threadsafe(self._start_task, call)
                    return
            self._answer(call, result)
        except BaseException as error:
            self._threw(call, error)
        finally:
            _current.set(None)

    def _stream(self, call: Call, items: Iterator[Any]) -> None:
        if not self._wants_stream(call):
            return _close_items(items)
        call._items = items
        self._pump(call, items)

    def _pump(self, call: Call, items: Iterator[Any]) -> None:
        """Send items as long as there is credit; who waits for more holds no thread."""
        try:
            while not call.cancelled:
                if call._held is _NOTHING:
                    try:
                        call._held = next(items)
                    except StopIteration:
                        break
                with self.lock:
                    if not call.cancelled:
                        if call._credit <= 0:
                            if self._is_closing:
                                raise _closed(CANCELLED)
                            call._is_parked = True
                            return
                        call._credit -= 1
                if call.cancelled:
                    break
                item, call._held = call._held, _NOTHING
                self._item(call, item)
                self._output.flush()
            _close_items(items)
            self._end(call, b"null")
        except BaseException as error:
            _close_items(items)
            self._threw(call, error)

    # ── tasks ──

    def _loop_for_calls(self) -> asyncio.AbstractEventLoop:
        with self.lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._loop_thread = threading.Thread(
                    target=self._run_loop, args=(self._loop,), name="pagent-async", daemon=True
                )
                self._loop_thread.start()
            return self._loop

    def _run_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    def _stop_loop(self) -> None:
        if self._loop is not None and self._loop_thread is not None:
            _call_soon(self._loop, self._loop.stop)
            self._loop_thread.join(_GRACE)

    def _start_task(self, call: Call) -> None:
        _current.set(call)
        call._task = asyncio.get_running_loop().create_task(self._run_task(call))
        _current.set(None)

    def _cancel_task(self, call: Call) -> None:
        # A task that is cancelled before its first step would never answer.
        if call._task is not None and call._has_begun:
            call._task.cancel()

    async def _run_task(self, call: Call) -> None:
        call._has_begun = True
        try:
            if call.cancelled:
                raise asyncio.CancelledError
            result = call._run(*call._args, **call._kwargs)
            if inspect.isawaitable(result):
                result = await result
            if isinstance(result, collections.abc.AsyncIterator):
                if self._wants_stream(call):
                    await self._pump_task(call, result)
            elif isinstance(result, collections.abc.Iterator):
                if self._wants_stream(call):
                    call._items = result
                    self._jobs.append(call)
                    self._wake(1)
            else:
                self._answer(call, result)
        except BaseException as error:
            self._threw(call, error)
        finally:
            if self._output.lines:
                self._write_soon()

    async def _pump_task(self, call: Call, items: AsyncIterator[Any]) -> None:
        granted = call._granted = asyncio.Event()
        try:
            async for item in items:
                while call._credit <= 0:
                    granted.clear()
                    if call._credit > 0:
                        break
                    if self._is_closing:
                        raise _closed(CANCELLED)
                    await granted.wait()
                with self.lock:
                    call._credit -= 1
                self._item(call, item)
                self._write_soon()
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                await close()
        self._end(call, b"null")

    def _wake_streams(self) -> None:
        for call in list(self._running.values()):
            if call._granted is not None:
                call._granted.set()

    # ── answering ──

    def _answer(self, call: Call, result: Any) -> None:
        if call._is_stream:
            return self._fail(call._id, INVALID_REQUEST, "it returns no stream; use call() instead of stream()", call)
        self._end(call, b"%d" % result if type(result) is int and -(2**53) < result < 2**53 else _encode(result))

    def _end(self, call: Call, result: bytes) -> None:
        call_id = call._id
        if call_id is not None:
            written = b"%d" % call_id if type(call_id) is int else _encode(call_id)
            line = b'{"jsonrpc":"2.0","id":%b,"result":%b}\n' % (written, result)
            if len(line) - 1 > self._max_line:
                raise Error(_too_long(line, self._max_line))
            self._output.add(line)
        self._ended(call)

    def _item(self, call: Call, value: Any) -> None:
        self._post({"jsonrpc": "2.0", "method": "$/item", "params": {"id": call._id, "value": value}})

    def _threw(self, call: Call, error: BaseException) -> None:
        is_cancelled = call.cancelled or isinstance(error, Cancelled)
        if call.cancelled and call._is_stream:
            self._end(call, b"null")
            return self._write_soon()
        if is_cancelled:
            return self._fail(call._id, CANCELLED, "the call was cancelled", call)
        trace = "".join(traceback.format_exception(type(error), error, _below(error)))
        data: Dict[str, Any] = {"name": type(error).__name__, "stack": trace[-65536:]}
        code, message = FAILED, _text_of(error)
        if isinstance(error, Error):
            code, message = error.code, error.message
            if error.data is not None:
                data["data"] = error.data
        elif isinstance(error, OSError) and error.errno is not None:
            data["code"] = errno.errorcode.get(error.errno, str(error.errno))
        self._fail(call._id, code, message or type(error).__name__, call, data)

    def _fail(
        self, call_id: Any, code: int, message: str, call: Optional[Call] = None, data: Optional[Dict[str, Any]] = None
    ) -> None:
        if call_id is not None:
            error: Dict[str, Any] = {"code": code, "message": message}
            if data is not None:
                error["data"] = data
            answer = {"jsonrpc": "2.0", "id": call_id, "error": error}
            try:
                self._post(answer)
            except Exception as refused:
                # The data cannot be sent: the reason can.
                error.pop("data", None)
                error["message"] = f"{message[:1000]} (its data was left out: {str(refused)[:1000]})"
                self._post(answer)
        if call is not None:
            self._ended(call)
        if threading.get_ident() == self._reader:
            self._write_soon()

    def _wants_stream(self, call: Call) -> bool:
        if not call._is_stream:
            self._fail(call._id, INVALID_REQUEST, "it returns a stream; use stream() instead of call()", call)
        return call._is_stream

    def _ended(self, call: Call) -> None:
        self._running.pop(call._key, None)
        if self._is_closing and not self._running:
            self._idle.set()

    # ── writing ──

    def _post(self, message: Dict[str, Any]) -> None:
        """One line more that waits to be written."""
        line = _encode(message) + b"\n"
        if len(line) - 1 > self._max_line:
            raise Error(_too_long(line, self._max_line))
        self._output.add(line)

    def note(self, method: str, params: Any) -> None:
        """A notification, sent now."""
        self._post({"jsonrpc": "2.0", "method": method, "params": params})
        self._flush()

    def _flush(self) -> None:
        """By this thread, unless others wait for it."""
        here = threading.get_ident()
        if here == self._reader or (self._loop_thread is not None and here == self._loop_thread.ident):
            self._write_soon()
        else:
            self._output.flush()

    def _write_soon(self) -> None:
        if self._writer is None:
            with self.lock:
                if self._writer is None:
                    self._writer = threading.Thread(target=self._write, name="pagent-write", daemon=True)
                    self._writer.start()
        if not self._must_write.is_set():
            self._must_write.set()

    def _write(self) -> None:
        while True:
            self._must_write.wait()
            self._must_write.clear()
            self._output.flush()

    @property
    def is_choked(self) -> bool:
        """The master is far behind in reading."""
        return len(self._output.lines) > _MAX_IN_FLIGHT

    # ── calls to the master ──

    def ask(
        self,
        method: str,
        args: Tuple[Any, ...],
        answered: Callable[..., None],
        item: Optional[Callable[..., None]] = None,
    ) -> int:
        """Send a request; `answered` gets an error or None, and the result, in the thread that reads."""
        request: Dict[str, Any] = {"jsonrpc": "2.0", "id": 0, "method": method, "params": args}
        if item is not None:
            request["credit"] = _WINDOW
        with self.lock:
            if self._is_closing:
                raise _closed()
            self._last_id += 1
            call_id = request["id"] = self._last_id
            self._asked[call_id] = (answered, item)
        try:
            self._post(request)
        except BaseException:
            self._asked.pop(call_id, None)
            raise
        self._flush()
        return call_id

    def forget(self, call_id: int) -> None:
        """Nobody waits for this answer any more; nothing to do where it has come."""
        if self._asked.pop(call_id, None) is not None:
            self._forgotten.add(call_id)
            self.note("$/cancelRequest", {"id": call_id})

    def take(self, arrived: queue.SimpleQueue[Any], timeout: Optional[float] = None) -> Any:
        """An item in a list, or the answer in a tuple. Meanwhile another thread may run in place of this one."""

        def give_up() -> None:
            arrived.put((Cancelled("the call was cancelled"), None))

        call = _current.get()
        if call is not None:
            call.on_cancel(give_up)
        counts = getattr(self._is_worker, "yes", False)
        if counts:
            with self.lock:
                self._blocked += 1
            if self._jobs:
                self._wake(1)
        try:
            return arrived.get(timeout=timeout)
        finally:
            if counts:
                with self.lock:
                    self._blocked -= 1
            if call is not None:
                call._forget_listener(give_up)


class _signals:
    """While serving, SIGTERM ends the program in order, unless the program has its own way."""

    def __enter__(self) -> None:
        self._before: Any = None
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._before = signal.signal(signal.SIGTERM, self._end)

    def __exit__(self, *_: Any) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    @staticmethod
    def _end(*_: Any) -> None:
        # Once is enough: a second one ends the program at once.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise SystemExit(128 + signal.SIGTERM)


def _is_async(run: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(run) or inspect.isasyncgenfunction(run)


def _close_items(items: Any) -> None:
    close = getattr(items, "close", None)
    if close is not None:
        try:
            close()
        except Exception:
            traceback.print_exc()


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "an error that cannot be shown"


def _below(error: BaseException) -> Any:
    """The traceback without the frame of this file."""
    trace = error.__traceback__
    return trace.tb_next if trace is not None and trace.tb_next is not None else trace


def _error_of(error: Any) -> Error:
    known = error if type(error) is dict else {}
    code, message = known.get("code"), known.get("message")
    text = message if type(message) is str else f"an error without a message: {json.dumps(error)}"
    return Error(text, code if type(code) is int else INTERNAL_ERROR, known.get("data"))


def _closed(code: int = FAILED) -> Error:
    return Error("the master has closed stdin", code)


def _no_answer(method: str, timeout: Optional[float]) -> str:
    return f"Cannot call {method}: no answer within {timeout} s"


def _no_loop(name: str, other: str) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(f"Cannot wait in an async function: use master.{other}() instead of {name}()")


def _too_long(line: bytes, most: int) -> str:
    return f"a message of {len(line)} bytes is too long: {most} are the most"


def _shown(message: Any) -> str:
    try:
        text = json.dumps(message, ensure_ascii=False)
    except RecursionError:
        text = "something nested too deeply to be shown"
    return text if len(text) <= 120 else f"{text[:120]}…"


def _counted() -> Iterator[int]:
    count = 0
    while True:
        count += 1
        yield count


def _all(work: List[Tuple[Callable[..., Any], Tuple[Any, ...]]]) -> None:
    for run, args in work:
        run(*args)


def _call_soon(loop: asyncio.AbstractEventLoop, run: Callable[..., Any], *args: Any) -> None:
    try:
        loop.call_soon_threadsafe(run, *args)
    except RuntimeError:
        pass  # The loop is closed: nobody waits there.
