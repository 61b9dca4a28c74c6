"""Captures of a running lab: where to listen, and where the frames go."""
