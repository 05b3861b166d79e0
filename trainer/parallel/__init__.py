"""Several processes that train one model: rank 0 is the trainer, the others work at gradients for it.

In: `trainer.processes`, or what `torchrun` says.
Out: `open_ranks`, and `serve`, which is all that another rank does.
"""
