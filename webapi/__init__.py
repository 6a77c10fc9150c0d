"""The shape of our HTTP APIs: errors, JSON, request ids. Imports nothing of ours; every face may import it."""
