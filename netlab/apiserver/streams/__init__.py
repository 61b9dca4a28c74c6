"""Streams of exec, attach and port-forward, over WebSocket and SPDY; no input or output here."""
