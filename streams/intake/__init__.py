"""From windows to samples: checked, known when they come twice, scaled by source, assembled by time.

In: `messages` in a worker, decoded windows (`windows`) in a replay.
Out: samples and rejects, and the messages that may be acknowledged. `validation` says what a window must be,
`assembly` what belongs together.
"""
