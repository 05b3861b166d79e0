"""What a published model is good for: embeddings of recordings, classes from few labels.

In: recordings and a bundle, which `published` finds, and a `task`.
Out: embeddings (`embed`), a `finetune` report and its `confusion_picture`.
"""
