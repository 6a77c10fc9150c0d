"""A pytest plugin: with REQUIRE_ALL=1 a skipped test fails the run, since a skip proves nothing."""

import os

import pytest


def _skipped(config: pytest.Config) -> list[str]:
    if os.environ.get("REQUIRE_ALL") != "1" or hasattr(config, "workerinput"):
        return []
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return [report.nodeid for report in reporter.stats.get("skipped", [])] if reporter else []


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Turn a passed session with skips into a failed one."""
    if exitstatus == pytest.ExitCode.OK and _skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say why the run failed although no test did."""
    for nodeid in _skipped(config):
        terminalreporter.write_line(f"skipped, but REQUIRE_ALL is set: {nodeid}", red=True)
