"""compose.yaml and what belongs to it: little rights for everybody, two roles, pinned images."""

import os
import re
import stat
import subprocess
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from django.conf import settings
from django.db import connection

ROOT = Path(settings.BASE_DIR)
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
INIT = (ROOT / "deploy/postgres-init.sql").read_text("utf-8")
DIGEST = "sha256:" + "0123456789abcdef" * 4
FAKE_DOCKER = """#!/bin/sh
echo "$@" >>"$(dirname "$0")/calls"
case "$1" in image) echo "elsewhere/name@%s" ;; esac
"""


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_has_or_gains_rights(name: str) -> None:
    service = SERVICES[name]

    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert not {"cap_add", "privileged", "pid", "network_mode", "devices"} & set(service)
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "inngest"])
def test_the_root_is_read_only(name: str) -> None:
    assert SERVICES[name]["read_only"] is True


@pytest.mark.parametrize("name", ["migrate", "web", "web-inngest", "worker", "postgres"])
def test_what_writes_temporary_files_has_a_place_in_memory(name: str) -> None:
    assert "/tmp" in {place.partition(":")[0] for place in SERVICES[name]["tmpfs"]}  # noqa: S108


def test_images_of_others_run_as_nobody_s_root() -> None:
    assert (SERVICES["postgres"]["user"], SERVICES["redis"]["user"]) == ("postgres", "redis")


def test_every_image_is_pinned_by_digest() -> None:
    pinned = re.findall(r"([A-Z]+_IMAGE)=", (ROOT / "deploy/pin-images.sh").read_text("utf-8"))
    wanted = set()
    for service in SERVICES.values():
        found = service["build"]["args"]["PYTHON_IMAGE"] if "build" in service else service["image"]
        match = re.fullmatch(r"\$\{([A-Z]+_IMAGE):\?run deploy/pin-images\.sh\}", found)
        assert match, found
        wanted.add(match[1])

    assert wanted == set(pinned)
    images = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert images == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}"]


def test_coachbot_and_inngest_are_two_roles() -> None:
    product = SERVICES["web"]["environment"]["DATABASE_URL"]
    engine = SERVICES["inngest"]["environment"]["INNGEST_POSTGRES_URI"]

    assert product == "postgres://coachbot:${POSTGRES_PASSWORD:?}@postgres:5432/coachbot"
    assert engine == "postgres://inngest:${INNGEST_POSTGRES_PASSWORD:?}@postgres:5432/inngest"
    superuser = [name for name, each in SERVICES.items() if "SUPERUSER" in str(each)]
    assert superuser == ["postgres"]
    handed_on = SERVICES["postgres"]["environment"]
    assert set(re.findall(r"\\getenv \w+ (\w+)", INIT)) == set(handed_on) - {"POSTGRES_PASSWORD"}


@pytest.mark.postgres
@pytest.mark.django_db
def test_each_role_has_its_own_database_and_no_more() -> None:
    of_server = connection.get_connection_params()
    address: dict[str, Any] = {
        name: of_server[name] for name in ("host", "port", "user", "password") if of_server.get(name)
    }
    mark, password = uuid.uuid4().hex[:8], 'it\'s a "secret"'
    product, engine = f"coachbot_{mark}", f"inngest_{mark}"
    with psycopg.connect(**address, dbname="postgres", autocommit=True) as superuser:
        try:
            for statement in _statements(product=product, engine=engine, password=password):
                superuser.execute(statement)
            rows = superuser.execute(
                "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles"
                " WHERE rolname = ANY(%s)",
                [[product, engine]],
            ).fetchall()
            own: dict[str, Any] = address | {"user": product, "password": password}
            with psycopg.connect(**own, dbname=product) as link:
                link.execute("CREATE TABLE leads (id int)")
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(**own, dbname=engine)
        finally:
            for name in (product, engine):
                superuser.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
                superuser.execute(f'DROP ROLE IF EXISTS "{name}"'.encode())

    assert rows == [(False,) * 5] * 2


def _statements(*, product: str, engine: str, password: str) -> list[bytes]:
    """Do with the file what psql does, under names that are free and without touching the database postgres."""
    sql = re.sub(r"^(--|\\).*$", "", INIT, flags=re.MULTILINE).replace(", postgres FROM", " FROM")
    sql = re.sub(r":'\w+'", lambda _: "'" + password.replace("'", "''") + "'", sql)
    sql = re.sub(r"\bcoachbot\b", product, re.sub(r"\binngest\b", engine, sql))
    return [statement.encode() for statement in sql.split(";") if statement.strip()]


def pin(tmp_path: Path, env: str, *arguments: str, digest: str = DIGEST) -> subprocess.CompletedProcess[str]:
    docker, file = tmp_path / "bin/docker", tmp_path / "env"
    docker.parent.mkdir(exist_ok=True)
    docker.write_text(FAKE_DOCKER % digest)
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    file.write_text(env)
    environment = os.environ | {"PATH": f"{docker.parent}:{os.environ['PATH']}", "ENV_FILE": str(file)}
    command = [str(ROOT / "deploy/pin-images.sh"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)


def test_pins_what_is_missing_and_keeps_the_rest(tmp_path: Path) -> None:
    kept = f"POSTGRES_IMAGE=postgres:17@sha256:{'f' * 64}"

    done = pin(tmp_path, f"# mine\nSECRET=a=b\nREDIS_IMAGE=redis:8\n{kept}\n")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "env").read_text().split("\n") == [
        "# mine",
        "SECRET=a=b",
        kept,
        f"PYTHON_IMAGE=python:3.12-slim@{DIGEST}",
        f"REDIS_IMAGE=redis:8@{DIGEST}",
        f"INNGEST_IMAGE=inngest/inngest:latest@{DIGEST}",
        "",
    ]
    assert "pull --quiet redis:8" in (tmp_path / "bin/calls").read_text()
    assert "postgres" not in (tmp_path / "bin/calls").read_text()


def test_updates_what_is_pinned_when_asked(tmp_path: Path) -> None:
    done = pin(tmp_path, f"POSTGRES_IMAGE=postgres:17@sha256:{'f' * 64}\n", "--update")

    assert done.returncode == 0, done.stderr
    assert f"POSTGRES_IMAGE=postgres:17@{DIGEST}\n" in (tmp_path / "env").read_text()
    assert "f" * 64 not in (tmp_path / "env").read_text()


def test_writes_nothing_that_is_no_digest(tmp_path: Path) -> None:
    done = pin(tmp_path, "SECRET=a\n", digest="<no value>")

    assert done.returncode == 1
    assert "no digest for python:3.12-slim" in done.stderr
    assert (tmp_path / "env").read_text() == "SECRET=a\n"
