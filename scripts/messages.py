"""Keep the hosted form's translations in step with its texts: `make messages`; `--check` changes nothing and says so.

Only what visitors read is translated (SOURCES). Texts are taken out of templates and modules, merged into
leadforms/locale/<language>/LC_MESSAGES/django.po, and compiled to the .mo beside it, which is what Django reads.
Done with Babel, so that nobody needs GNU gettext.
"""

import io
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "leadforms" / "locale"
SOURCES = (
    *("leadforms/answers.py", "leadforms/hosted.py", "leadforms/notices.py", "leadforms/page.py"),
    *("leadforms/receive.py", "leadforms/script.py", "templates/forms/*.html"),
)
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "pgettext": (1, 2),
}
Found = tuple[str, int, str | tuple[str, ...]]


def find_messages() -> list[Found]:
    """Return (file, line, text or its forms) of everything that visitors read."""
    return [
        (path.relative_to(ROOT).as_posix(), line, text)
        for pattern in SOURCES
        for path in sorted(ROOT.glob(pattern))
        for line, text in _extract(path)
    ]


def _extract(path: Path) -> Iterator[tuple[int, str | tuple[str, ...]]]:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        from django.utils.translation.template import templatize

        source = templatize(source, origin=str(path))
    for line, text, _comments, _context in extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS):
        yield line, text if isinstance(text, str) else tuple(text)


def languages() -> list[str]:
    """Name the languages besides English, which the texts themselves are in."""
    from leadforms.languages import CODES

    return [code for code in CODES if code != "en"]


def read_catalog(language: str) -> Catalog:
    """Read a language's catalog, or begin one."""
    path = po_path(language)
    if not path.exists():
        return _empty(language)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain="django")


def _empty(language: str) -> Catalog:
    # Dates of its own would make each run's file another one.
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Catalog(
        locale=language, domain="django", project="Coachbot", creation_date=at, revision_date=at, fuzzy=False
    )


def po_path(language: str) -> Path:
    """Say where a language's texts are."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def merge(catalog: Catalog, found: list[Found]) -> Catalog:
    """Make a catalog of what there is now, with the translations that there were."""
    fresh = _empty(str(catalog.locale))
    for file, _line, text in found:
        old = catalog.get(text if isinstance(text, str) else text[0])
        # Without line numbers, which would change with every edit above.
        fresh.add(
            text, string=old.string if isinstance(old, Message) and old.id == text else None, locations=[(file, 0)]
        )
    return fresh


def compiled(catalog: Catalog) -> bytes:
    """Return the .mo of a catalog."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def missing(catalog: Catalog) -> list[str]:
    """Name the texts that have no translation, or not one for each plural."""
    lacking = []
    for message in catalog:
        strings = message.string if isinstance(message.string, tuple | list) else [message.string]
        if message.id and not (strings and all(strings)):
            lacking.append(message.id if isinstance(message.id, str) else message.id[0])
    return lacking


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _text(catalog: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_po(buffer, catalog, omit_header=False, no_location=False, include_lineno=False, sort_output=True, width=120)
    lines = buffer.getvalue().decode().splitlines(keepends=True)
    # Dates and the tool's version would change with every run.
    dropped = (
        '"POT-Creation-Date',
        '"PO-Revision-Date',
        '"Generated-By',
        '"Last-Translator',
        '"Report-Msgid',
        "#  ",
        "# FIRST",
    )
    return "".join(line for line in lines if not line.startswith(dropped)).encode()


def main() -> int:
    """Update every catalog, or say which are behind."""
    check = "--check" in sys.argv[1:]
    found, problems = find_messages(), []
    for language in languages():
        catalog = merge(read_catalog(language), found)
        wanted = {po_path(language): _text(catalog), po_path(language).with_suffix(".mo"): compiled(catalog)}
        problems += [f"{language}: no translation of “{text}”" for text in missing(catalog)]
        for path, content in wanted.items():
            if path.exists() and path.read_bytes() == content:
                continue
            if check:
                problems.append(f"{path.relative_to(ROOT)} is behind: make messages")
            else:
                _write(path, content)
    print("\n".join(problems) if problems else f"{len(found)} texts in {len(languages())} languages, all translated.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coachbot.settings")
    os.environ.setdefault("COACHBOT_ENV", "test")
    import django

    django.setup()
    sys.exit(main())
