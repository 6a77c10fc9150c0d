"""The pages' files as production serves them: under names that change with their content, kept by browsers for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Renames what JavaScript modules import as well, so that an upgrade never mixes old modules with new ones."""

    support_js_module_import_aggregation = True
