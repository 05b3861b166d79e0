"""`mmbind audit`: whether all that came in is somewhere, once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.cli.output import ConfigOption, JsonOption, print_json, print_table, utc

if TYPE_CHECKING:
    from deploy.audit.account import Account
    from deploy.audit.balance import Balance

CheckpointsOption = Annotated[
    Path | None,
    typer.Option("--checkpoints", help="The trainer's; else in runtime.data_dir.", show_default=False),
]


def audit(checkpoints: CheckpointsOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Balances what is in the topics: exit code 1 if something is missing or there twice, 3 if the log was cut."""
    from deploy.audit.books import audit as balance_of
    from deploy.settings.config import load

    settings = load(config)
    folder = checkpoints or Path(settings.runtime.data_dir) / "checkpoints"
    found = balance_of(settings, folder)
    if as_json:
        print_json(_told(found))
    else:
        _show(found)
    raise typer.Exit(found.exit_code)


def _show(found: "Balance") -> None:
    for account in found.accounts:
        rows = [*account.shares.most_common(), ("in all", account.n_in_all)]
        rows += [(f"  {name}", n) for name, n in sorted(account.notes.items())]
        print_table(account.name, ("what became of them", "how many"), rows)
        for fault in account.faults:
            places = ", ".join(map(str, fault.places))
            typer.echo(f"{fault.what}: {fault.identity}" + (f" ({places})" if places else ""))
        n_more = account.n_faults.total() - len(account.faults)
        if n_more:
            typer.echo(f"and {n_more} more")
    typer.echo(_verdict(found))


def _verdict(found: "Balance") -> str:
    if found.exit_code == 1:
        faults = sum((account.n_faults for account in found.accounts), start=type(found.accounts[0].n_faults)())
        return "it does not balance: " + ", ".join(f"{n} {what}" for what, n in sorted(faults.items()))
    if found.whole_from_ms:
        return f"it balances from {utc(found.whole_from_ms)} on; what came before is no longer in the topics"
    return "it balances"


def _told(found: "Balance") -> dict[str, Any]:
    return {
        "exit_code": found.exit_code,
        "whole_from": utc(found.whole_from_ms) if found.whole_from_ms else None,
        **{account.name: _told_account(account) for account in found.accounts},
    }


def _told_account(account: "Account") -> dict[str, Any]:
    return {
        "in all": account.n_in_all,
        "shares": dict(account.shares),
        "notes": dict(account.notes),
        "n_faults": dict(account.n_faults),
        "faults": [
            {"what": one.what, "identity": one.identity, "places": [place._asdict() for place in one.places]}
            for one in account.faults
        ],
    }
