"""Recordings to replay: windows of many sources in order of time.

In: `files` in general formats, of which raw samples are `logged` and need `cutting`; two known data sets, `watch` and
`utd`.
Out: `recordings`, and what only the evaluation may know of them: `truth`.
"""
