"""The settings of everything: one TOML file, the environment, and what is wrong with them.

In: `mmbind.toml` and `MMBIND_...`.
Out: `config`: frozen settings, or one sentence with the line; the `obstacles` to using them on this machine; `entries`,
modalities as the file has them; the table `mqtt`; `origins` of values; `unknown_variables`; what is `writable`; the
`example` to begin with.
"""
