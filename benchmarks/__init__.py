"""Measurements of the whole product beside a plain baseline and the database's own limit: `make bench`."""
