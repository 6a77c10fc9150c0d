"""Start the stand-ins: `python -m simulators --port 9009`."""

import argparse
import asyncio
import contextlib
import gc
import resource
import signal
import sys

from aiohttp import web

from simulators.app import build_app
from simulators.state import StartOptions, State

BACKLOG = 4096
LAST_WORDS_S = 0.1


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9009, help="0: any free port, told in the first line")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer")
    parser.add_argument("--event-delay", type=float, default=1.0, help="seconds between webhooks of one call")
    parser.add_argument("--timeout-sleep", type=float, default=20.0, help="seconds the timeout numbers take")
    return parser.parse_args(arguments)


def _prepare_process() -> None:
    """Allow as many open sockets as the system does, and collect garbage rarely: calls live long."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def serve(options: StartOptions, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when the address can't be had."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    state = State(options)
    runner = web.AppRunner(build_app(state), access_log=None, shutdown_timeout=LAST_WORDS_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        state.base_url = f"http://{host}:{runner.addresses[0][1]}"
        sys.stdout.write(f"simulators listening on {state.base_url}\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    chosen = _parsed(arguments)
    options = StartOptions(latency=chosen.latency, event_delay=chosen.event_delay, timeout_sleep=chosen.timeout_sleep)
    _prepare_process()
    try:
        asyncio.run(serve(options, host=chosen.host, port=chosen.port))
    except OSError as error:
        sys.stderr.write(f"simulators: can't listen on {chosen.host}:{chosen.port}: {error.strerror or error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
