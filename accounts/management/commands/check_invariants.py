from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.reports import check_every_tenant


class Command(BaseCommand):
    help = "Prove the promises about seats, money and repeats on live data. Exits 1 and names each fault."

    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        for tenant, findings in check_every_tenant():
            self.stdout.write(f"{tenant.slug}: {len(findings.faults)} checks in {findings.milliseconds} ms")
            for name, sentences in findings.faults.items():
                for sentence in sentences:
                    faults += 1
                    self.stderr.write(f"  {name}: {sentence}")
        if faults:
            raise CommandError(f"{faults} faults")
        self.stdout.write("clean")
