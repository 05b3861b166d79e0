"""From sensor window to Binding, and the way back of a model."""
