"""In production a page's scripts have names that change with what is in them, the imported ones too."""

import re
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import FileSystemStorage

from coachbot.static_files import ModuleStorage

_imported = re.compile(r"""^(?:import|export)\b[^'";=(]*?['"](\.[^'"]+)['"]""", re.MULTILINE).findall
_hashed = re.compile(r".+\.[0-9a-f]{12}\.js").fullmatch


def collect(to: Path) -> ModuleStorage:
    """Do with our scripts what collectstatic does."""
    storage = ModuleStorage(location=to)
    source = FileSystemStorage(location=settings.BASE_DIR / "static")
    names = [path.relative_to(source.location).as_posix() for path in Path(source.location).rglob("*.js")]
    for name in names:
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(source.location) / name, to / name)
    for name, _, done in storage.post_process({name: (storage, name) for name in names}):
        assert not isinstance(done, Exception), f"{name}: {done}"
    return storage


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("static")
    collect(to)
    return to


def test_every_import_leads_to_a_hashed_file(collected: Path) -> None:
    files = [path for path in collected.rglob("*.js") if _hashed(path.name)]
    imports = [(path, target) for path in files for target in _imported(path.read_text(encoding="utf-8"))]

    assert len(imports) > 30
    assert [str(path) for path, target in imports if not _hashed(target)] == []
    assert [str(path) for path, target in imports if not (path.parent / target).is_file()] == []


def test_a_change_in_a_module_renames_who_imports_it(tmp_path: Path) -> None:
    storage = collect(tmp_path / "old")
    before = storage.hashed_files["js/form.js"]
    logic = tmp_path / "old" / "js" / "form-logic.js"
    logic.write_text(logic.read_text(encoding="utf-8") + "// mended\n", encoding="utf-8")

    again = ModuleStorage(location=tmp_path / "old")
    list(again.post_process({name: (again, name) for name in ("js/form.js", "js/form-logic.js")}))

    assert again.hashed_files["js/form.js"] != before
