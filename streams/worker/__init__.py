"""The worker around the core: Faust, the stages, partitions that come and go. Start in `run`.

In: the topics `windows.*`, `samples` and `models`.
Out: the topics `samples`, `scalings`, `pairs`, `embeddings` and `rejects`; `metrics` and `embed_metrics`; the groups
that `faust_app` names. Benchmarks build with `model_build`, of what lies in a `mailbox`.
"""
