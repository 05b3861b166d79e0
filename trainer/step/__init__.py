"""One training step: weighted contrastive learning with whatever modalities there are.

In: a batch of `edges`.
Out: new weights and what the `step` showed; the `loss` and the `augmentation` in files of their own.
"""
