"""YAML documents, what is wrong in them and where, and JSON schemas to hold them against."""
