"""What every package needs of the database itself."""
