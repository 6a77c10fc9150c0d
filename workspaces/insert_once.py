"""Rows of which there may be one: inserted, or found, without an error in the database's log where two come at once.

ON CONFLICT DO NOTHING waits for whoever is inserting the same, as any INSERT does, and then says that it was late.
"""

from typing import Any, TypeVar

from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)


def insert_once(row: models.Model) -> bool:
    """Insert a row. False: a unique constraint has one like it already, and nothing was changed.

    Raises IntegrityError for any other constraint.
    """
    meta, quote = row._meta, connection.ops.quote_name
    given = [field for field in meta.concrete_fields if row.pk is not None or not isinstance(field, models.AutoField)]
    columns = ", ".join(quote(str(field.column)) for field in given)
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in given]
    statement = (
        f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES ({', '.join(['%s'] * len(given))})"  # noqa: S608
        f" ON CONFLICT DO NOTHING RETURNING {quote(str(meta.pk.column))}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        inserted = cursor.fetchone()
    if inserted is None:
        return False
    if row.pk is None:
        row.pk = inserted[0]
    row._state.adding, row._state.db = False, connection.alias
    return True


def find_or_insert(model: type[Row], *, defaults: dict[str, Any], **lookup: Any) -> tuple[Row, bool]:
    """Do what Django's get_or_create does: return the row of a unique `lookup`, and whether it was made now."""
    found = model._default_manager.filter(**lookup).first()
    if found is not None:
        return found, False
    row = model(**lookup, **defaults)
    if insert_once(row):
        return row, True
    return model._default_manager.get(**lookup), False
