"""Several processes that train one model: rank 0 is the trainer, the others work at gradients for it.

In: `trainer.processes`, or what `torchrun` says.
Out: the others as a `process_group`; what another `rank` does, until one of them is lost: see `wire`.
"""
