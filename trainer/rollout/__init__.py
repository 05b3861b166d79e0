"""Versions tried by some consumers before all others follow: promoted, or rolled back with the reason.

In: the topics `models` and `followers`.
Out: moves of channels (`roller`); how a trial begins (`beginning`, the trainer's `own_trials`), `reports` and what they
say of it (`verdict`).
"""
