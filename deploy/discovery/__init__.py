"""What is there: modalities and sources, told from files or windows before anything is set.

In: files, or windows of topics.
Out: `found`: modalities as the settings describe them, and which source has what.
"""
