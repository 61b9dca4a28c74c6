"""The controllers: pure steps from objects to changes, and the loop that carries them out."""
