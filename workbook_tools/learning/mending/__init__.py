"""Says what wrong gradients and updates should be."""
