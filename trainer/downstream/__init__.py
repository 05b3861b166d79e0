"""What frozen or fine-tuned encoders are worth with few labels.

In: samples, encoders, labels.
Out: embeddings (`embedding`), a tuned classifier (`finetune`), its scores (`classification`).
"""
