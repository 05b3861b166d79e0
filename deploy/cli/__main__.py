"""`python -m deploy.cli` is `mmbind`."""

from deploy.cli.main import main

main()
