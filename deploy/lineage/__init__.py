"""Is a published version what its manifest says it was made of?

In: a version's manifest, the trainer's checkpoints, the topics `pairs` and `samples`.
Out: what came of training it again (`verification`).
"""
