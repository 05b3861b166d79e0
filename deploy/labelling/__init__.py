"""Labels of a few samples in, labels of all samples out.

In: a file of labels, or the topic of them; samples and pairs of a broker.
Out: `label_file` reads and writes files, `spread` answers once, `serve` as samples come; `topics` reads and writes.
"""
