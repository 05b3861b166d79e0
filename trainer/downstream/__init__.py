"""What frozen or fine-tuned encoders are worth with few labels.

In: samples, encoders, labels.
Out: embeddings and features (`embedding`), a classifier over features (`ridge`) or over embeddings, with the encoders
below it or without (`finetune`), its scores (`classification`).
"""
