"""Coachbot as real processes, on real sockets, while things go wrong."""
