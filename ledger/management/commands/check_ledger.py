from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.tenants import each_tenant
from config.invariants import check_all
from ledger.selectors import trial_balance


class Command(BaseCommand):
    help = "Prove the ledger of every operator and print its trial balance. Exits 1 and names each fault."

    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        for tenant in each_tenant():
            self.stdout.write(f"{tenant.slug}")
            for books in trial_balance():
                self.stdout.write(f"  {books.unit}")
                for line in books.lines:
                    name = f"{line.role.value} {line.detail}".strip()
                    self.stdout.write(f"    {name:<34}{line.debit_balance:>20f}{line.credit_balance:>20f}")
                self.stdout.write(f"    {'':<34}{books.debit:>20f}{books.credit:>20f}")
            for name, sentences in check_all("ledger:").faults.items():
                for sentence in sentences:
                    faults += 1
                    self.stderr.write(f"  {name.removeprefix('ledger: ')}: {sentence}")
        if faults:
            raise CommandError(f"{faults} faults")
        self.stdout.write("The ledger is sound.")
