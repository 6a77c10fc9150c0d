"""The web server: `python -m coachbot.server --port 8000 --workers 2 --threads 512`.

granian accepts connections and speaks HTTP; `coachbot.edge` stands between it and Django. granian's command line
offers WSGI, where a body on its way blocks a thread, or RSGI, which costs a fifth of the throughput because each
request passes Python's event loop several times. Its workers can do without that loop: here its RSGI worker calls us in
the threads that it has for WSGI.
"""

import argparse
import resource
import threading
from collections.abc import Callable
from typing import Any

from granian._granian import CallbackScheduler, RSGIWorker
from granian._signals import set_sync_signals
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.common import WORKERS_METHODS
from granian.server.mp import MPServer, WorkerProcess

TARGET = "coachbot.wsgi:application"
# Connections that a worker holds at once; further ones wait in the backlog. One that waits takes about 10 kB.
CONNECTIONS = 4096
BACKLOG = 2048
MAX_OPEN_FILES = 65_536


class InPlace:
    """Stands for an event loop: what it is told to call it calls in the thread that tells it."""

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> None:
        """Call it."""
        callback(*args)

    call_soon_threadsafe = call_soon


class Scheduler(CallbackScheduler):
    """What granian hands each request to."""

    def __init__(self, _loop: InPlace, take: Callable[[Any], None], *_: None) -> None:
        super().__init__()
        self._schedule_fn = take


@WorkerProcess.wrap_target  # type: ignore[untyped-decorator]
def run_worker(
    worker_id: int,
    application: Any,
    sock: Any,
    ipc: Any,
    _loop: Any,
    runtime_mode: Any,
    runtime_threads: int,
    runtime_blocking_threads: int,
    threads: int,
    threads_idle_timeout: int,
    connections: int,
    _task_impl: Any,
    http_mode: Any,
    http1_settings: Any,
    http2_settings: Any,
    websockets: bool,
    static_path: Any,
    _log_access_format: Any,
    ssl: tuple[Any, ...],
    _scope: Any,
    metrics: Any,
) -> None:
    """Serve until told to stop; what granian starts in each of its processes."""
    # Needs Django, which the application has set up by now.
    from coachbot.edge import make_edge
    from database import clock

    # These take positions alone, and their types say otherwise.
    make_worker: Any = RSGIWorker
    catch_signals: Any = set_sync_signals
    stop, stopped = catch_signals(), threading.Event()
    stop.add_cb(stopped.set)
    worker = make_worker(
        *(worker_id, sock, ipc, runtime_threads, runtime_blocking_threads, threads, threads_idle_timeout, connections),
        *(http_mode, http1_settings, http2_settings, websockets, static_path, *ssl, metrics),
    )
    clock.keep_in_background()
    loop = InPlace()
    scheduler = Scheduler(loop, make_edge(application, threads=threads), None, None, None)
    getattr(worker, WORKERS_METHODS[runtime_mode][(sock[0] or sock[1]).is_uds()])(scheduler, loop, stop)
    stopped.wait()


def serve(
    *, host: str, port: int, workers: int, threads: int, kill_timeout_s: int, respawn: bool, target: str = TARGET
) -> None:
    """Serve until SIGTERM; requests under way are finished for up to `kill_timeout_s`."""
    _allow_open_files()
    MPServer(
        target,
        address=host,
        port=port,
        # Has granian take a number of threads; `run_worker` decides what they do.
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        log_level=LogLevels.error,
        respawn_failed_workers=respawn,
        workers_kill_timeout=kill_timeout_s,
    ).serve(spawn_target=run_worker)


def _allow_open_files() -> None:
    """Raise the limit of open files as far as the machine lets us: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m coachbot.server", description="Serve Coachbot over HTTP/1.1.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen at (8000)")
    parser.add_argument("--workers", type=int, default=1, help="processes (1)")
    parser.add_argument("--threads", type=int, default=512, help="requests that a process works on at once (512)")
    parser.add_argument("--kill-timeout", type=int, default=30, help="seconds to finish in after SIGTERM (30)")
    parser.add_argument("--respawn", action="store_true", help="start a process again that died")
    parser.add_argument("--target", default=TARGET, help=f"the WSGI application ({TARGET})")
    chosen = parser.parse_args()
    serve(
        target=chosen.target,
        host=chosen.host,
        port=chosen.port,
        workers=chosen.workers,
        threads=chosen.threads,
        kill_timeout_s=chosen.kill_timeout,
        respawn=chosen.respawn,
    )


if __name__ == "__main__":
    main()
