"""From windows to samples: checked, known when they come twice, scaled by source, assembled by time.

In: `messages` in a worker, `recorded` windows in a replay; `windows` is what both do to a decoded window.
Out: samples and rejects, and the messages that may be acknowledged. `validation` says what a window must be,
`assembly` what belongs together, in the slots of a `grid`; `acknowledgement` and `read_marks` how far topics are read;
`node_watch` which nodes send what cannot be right, `scaling_news` whose scaling is to be told.
"""
