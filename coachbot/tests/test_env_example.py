""".env.example names every variable that is read, and no other, with the default the code has."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# At the beginning of a line; a default behind a single # is no setting, but it is shown.
_line = re.compile(r"^(?:# ?)?([A-Z][A-Z0-9_]{2,})=(.*)$", re.MULTILINE)


def shown() -> dict[str, str]:
    return {name: value.strip() for name, value in _line.findall((ROOT / ".env.example").read_text("utf-8"))}


def env_calls() -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse((ROOT / "coachbot/settings.py").read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("env")), args=[ast.Constant(str(name)), *_]):
                yield name, node


def read_elsewhere() -> set[str]:
    """Find what compose.yaml and the development launcher read."""
    compose, launcher = ROOT / "compose.yaml", ROOT / "scripts/run.py"
    names: set[str] = set()
    if compose.exists():
        names |= set(re.findall(r"\$\{([A-Z][A-Z0-9_]+)", compose.read_text("utf-8")))
    if launcher.exists():
        names |= set(re.findall(r'read_port\("([A-Z_]+)"', launcher.read_text("utf-8")))
    return names


def literal_default(call: ast.Call) -> str | None:
    """Return a default as it would stand in the file, None where it is worked out."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "default"] + call.args[1:2]
    if not given:
        return ""
    match given[0]:
        case ast.Constant(bool(value)):
            return "1" if value else "0"
        case ast.Constant(str(value)):
            return value
        case ast.Constant(int(value) | float(value)):
            return str(value).replace("_", "")
    return None


def test_every_variable_that_settings_read_is_shown() -> None:
    missing = {name for name, _ in env_calls()} - set(shown())
    assert not missing, f".env.example lacks {', '.join(sorted(missing))}"


def test_every_variable_that_is_shown_is_read() -> None:
    idle = set(shown()) - {name for name, _ in env_calls()} - read_elsewhere()
    assert not idle, f"nothing reads {', '.join(sorted(idle))}"


def test_every_variable_compose_wants_is_shown() -> None:
    missing = read_elsewhere() - set(shown())
    assert not missing, f".env.example lacks {', '.join(sorted(missing))}"


def test_defaults_are_those_of_the_code() -> None:
    told = shown()
    wrong = {
        name: (told[name], default)
        for name, call in env_calls()
        if name in told
        if (default := literal_default(call)) is not None and told[name] != default
    }
    assert not wrong, f"(shown, real): {wrong}"


def test_holds_no_secret() -> None:
    secret = {name: value for name, value in shown().items() if re.search(r"SECRET|KEY|PASSWORD", name) and value}
    assert secret == {}


def test_every_variable_stands_once() -> None:
    names = [name for name, _ in _line.findall((ROOT / ".env.example").read_text("utf-8"))]
    assert len(names) == len(set(names))
