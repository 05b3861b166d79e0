"""The worker around the core: Faust, the stages, partitions that come and go. Start in `run`.

In: the topics `windows.*`, `samples` and `models`.
Out: the topics `samples`, `pairs` and `rejects`; `metrics`; the group that `faust_app` names. Benchmarks
build with `model_build`, of what lies in a `mailbox`.
"""
