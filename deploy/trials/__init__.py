"""An operator puts a version on trial, or ends a trial.

In: the topics `models` and `followers`, the registry.
Out: a move of the channel `canary` (`beginning`); what follows is the roller's affair, in the trainer's process.
"""
