"""What binding teaches, next to its controls and to MMBind: the standard experiment.

In: UTD-MHAD in the four roles of MMBind (`data`), or other recordings of eight sources and three modalities.
Out: retrieval between the two modalities that never met (`score`), pair precision (`pairs`) and the share of the gap
that is closed, arm by arm; by `finetune`, a command of its own, accuracy with few labels. Other benchmarks keep their
`rows` in a `journal`, with a `stamp` of the code, and hold encoders as `frozen` does, too. `pool` runs the same work on
many items in several processes.
"""
