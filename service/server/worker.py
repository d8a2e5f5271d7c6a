"""The worker process: uvicorn's server under Gunicorn, with a heartbeat, time limits and a stop that drains.

Gunicorn documents `init_process` and `run` as the methods for a worker of one's own to override, and
uvicorn its `Config` and `Server` for programs that run it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.arbiter import Arbiter
from uvicorn import Server
from uvicorn_worker import UvicornWorker

from service.address import SETTLE_SECONDS, turn_away
from service.config import Settings
from service.server.bridge import Bridge
from service.server.connection import Connections
from service.server.refusals import note
from service.server.turn_to_leave import TurnToLeave

SWITCH_SECONDS = 0.00025
"""How long a computation keeps the GIL from the event loop, which wakes up as often to ask."""

TICK_SECONDS = 0.25
"""How often the worker tells the master that it lives, and looks at its connections."""

ACCEPTED_AT_ONCE = 4
"""Connections that are accepted before the first of them is counted, and refused where there are too many.
asyncio takes one number for this and for the kernel's queue, so that one is set again.
"""


class Worker(UvicornWorker):  # type: ignore[misc]  # uvicorn-worker ships no types
    """One process, with its event loop and its worker threads."""

    CONFIG_KWARGS: dict[str, Any] = {  # noqa: RUF012 - as uvicorn-worker declares it
        "loop": "asyncio",
        "interface": "asgi3",
        "lifespan": "off",
        "ws": "none",
        "access_log": False,  # the service writes its own
        "log_level": "error",
        "proxy_headers": False,  # no proxy's word changes the client or the scheme
        "server_header": False,  # the bridge sets it
    }

    def init_process(self) -> None:
        """Let the event loop get the GIL soon while something is computed."""
        sys.setswitchinterval(SWITCH_SECONDS)
        super().init_process()

    def run(self) -> None:
        """Serve until the stop."""
        asyncio.run(self.serve())

    async def serve(self) -> None:
        """Run uvicorn's server, and beside it the heartbeat and the time limits of connections."""
        settings, bridge = Settings.from_environment(), self.wsgi
        connections = Connections(
            settings, self.cfg.worker_connections, partial(note, bridge.metrics, settings)
        )
        self.config.app, self.config.http = bridge, connections.make
        self.config.callback_notify = self.config.limit_max_requests = None  # both are below
        self.config.backlog = ACCEPTED_AT_ONCE
        if self.cfg.is_ssl:
            self.config.ssl_context_factory = lambda _, default: self.cfg.ssl_context(self.cfg, default)
        self.config.timeout_graceful_shutdown = self.cfg.graceful_timeout
        server = Server(self.config)
        serving = asyncio.create_task(server.serve(self.sockets))
        told, turn = asyncio.Event(), TurnToLeave()
        # begins after uvicorn has set its own handlers of signals, and before anything is accepted
        stopping = asyncio.create_task(self._stop(told, server, bridge, settings.drain_s))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        for listener in [each for each in self.sockets if each.sock]:  # a stop may have closed them
            listener.sock.listen(self.cfg.backlog)
        while not serving.done():
            # the master ends a worker whose heart stops, as it does when a computation is stuck
            if bridge.threads.turns.stuck_seconds() < settings.worker_timeout_s:
                self.notify()
            if os.getppid() != self.ppid:  # the master was killed, and its successor wants the port
                server.should_exit = True
            if server.server_state.total_requests >= self.max_requests and turn.is_ours():
                told.set()
            connections.check()
            bridge.metrics.flush_later()
            await asyncio.wait([serving], timeout=TICK_SECONDS)
        stopping.cancel()
        await serving
        bridge.metrics.flush_later()
        with suppress(asyncio.CancelledError):
            await stopping  # raises what went wrong in it, which Gunicorn logs
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    async def _stop(self, told: asyncio.Event, server: Server, bridge: Bridge, drain_seconds: float) -> None:
        """Wait until told, by a signal too, then drain: `/readyz` says 503, and answers close connections."""

        def stop_at_once() -> None:
            server.should_exit = server.force_exit = True

        try:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, told.set)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # kept back since the fork
            for number in (signal.SIGINT, signal.SIGQUIT):
                loop.add_signal_handler(number, stop_at_once)
            await told.wait()
            bridge.drain()
            await asyncio.sleep(drain_seconds)
            if self.cfg.reuse_port:
                for listener in [each for each in self.sockets if each.sock]:  # a stop may have closed them
                    turn_away(listener.sock)
            await asyncio.sleep(SETTLE_SECONDS)
        finally:
            server.should_exit = True
