"""Controllers as pure steps: objects and the time in, wanted changes out."""
