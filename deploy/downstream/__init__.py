"""What a published model is good for: embeddings and features of recordings, classes from few labels.

In: recordings and a bundle, which `published` finds, and a `task`.
Out: embeddings and features (`embed`), a `finetune` report and its `confusion_picture`; what the same labels give
without a model (`labels_only`).
"""
