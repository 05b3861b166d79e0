"""Whether a modality that first comes late joins, and what it costs the others.

In: labelled recordings of three modalities.
Out: retrieval before it comes, after it and at the end, next to the streams in which it never comes or always was
there.
"""
