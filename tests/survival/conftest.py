"""The processes behind the survival tests: stand-ins and a filled database once, the rest for each module."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.survival.databases import Database, Postgres, new_database
from tests.survival.processes import Processes
from tests.survival.system import Simulators, System, environment, run_seed, start_simulators

Launch = Callable[..., System]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of it starts servers."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.serial)


@pytest.fixture(scope="session")
def simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    """The providers, for all tests."""
    processes = Processes(tmp_path_factory.mktemp("simulators"))
    try:
        yield start_simulators(processes)
    finally:
        processes.stop()


@pytest.fixture(scope="session")
def template(
    tmp_path_factory: pytest.TempPathFactory, simulators: Simulators
) -> Iterator[tuple[Database, dict[str, str]]]:
    """A migrated and filled database that each module gets a copy of, and the keys in it."""
    directory = tmp_path_factory.mktemp("template")
    database = new_database(directory)
    try:
        env = environment(
            database_url=database.url, simulators_url=simulators.url, directory=directory, url="http://127.0.0.1"
        )
        yield database, run_seed(env)
    finally:
        database.drop()


@pytest.fixture(scope="module")
def launch(
    tmp_path_factory: pytest.TempPathFactory, simulators: Simulators, template: tuple[Database, dict[str, str]]
) -> Iterator[Launch]:
    """Start Coachbots with databases of their own; what is named in capitals becomes their environment."""
    directory = tmp_path_factory.mktemp("system")
    processes = Processes(directory)
    source, keys = template
    databases: list[Database] = []

    def start(
        *,
        workers: int = 1,
        threads: int = 16,
        database: Database | None = None,
        database_port: int | None = None,
        web_skew_s: int = 0,
        **settings: Any,
    ) -> System:
        if database is None:
            database = new_database(directory, template=source)
            databases.append(database)
        if database_port is not None:
            if not isinstance(database, Postgres):
                pytest.skip("no PostgreSQL")
            settings["DATABASE_URL"] = database.url_through(database_port)
        system = System(
            processes=processes,
            database=database,
            simulators=simulators,
            keys=keys,
            directory=directory,
            workers=workers,
            threads=threads,
            web_skew_s=web_skew_s,
            settings={name: str(value) for name, value in settings.items()},
        )
        system.start_web()
        return system

    try:
        yield start
    finally:
        processes.stop()
        for database in databases:
            database.drop()


@pytest.fixture(autouse=True)
def _simulators_start_afresh(simulators: Simulators) -> None:
    """Let no test see what another did to the providers."""
    simulators.reset()
