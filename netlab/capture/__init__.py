"""Frames to annotated captures: blocks of pcapng, a comment for each frame."""
