"""The control plane: a store of objects and controllers as pure steps."""
