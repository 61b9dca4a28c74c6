"""Nouns: frozen values with no behaviour beyond their own invariants."""
