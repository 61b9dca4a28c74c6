"""Traces of a running lab: make or await a connection, hear all of it, and tell its path."""
