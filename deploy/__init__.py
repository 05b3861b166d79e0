"""How it runs: the `mmbind` command, one machine, the demo."""
