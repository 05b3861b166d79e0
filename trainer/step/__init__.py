"""One training step: weighted contrastive learning with whatever modalities there are.

In: a batch of `edges`, `packed` as arrays where another process takes it.
Out: new weights and what the `step` showed; gradients of `fresh_encoders` for a step that `ranks` share. The `loss` and
the `augmentation` are in files of their own.
"""
