"""`python -m deploy.cli` is `mmbind`."""

from deploy.cli.entrance import main

main()
