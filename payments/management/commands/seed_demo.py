from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Tenant
from config.tenancy import tenant_context
from payments.demo.seeding import second_operator, seed_default_operator, seed_second_operator, tell_planner


class Command(BaseCommand):
    help = (
        "A believable operator to look at and to try things on: tours, customers, bookings in every state with their money."
        " The same data for the same seed number; ids differ, and times are relative to the day it is run."
        " Safe to repeat: a run that broke off is completed, a complete demo is left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--scale", type=float, default=1, help="1 is some 40 tours, 300 customers, 600 bookings.")
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--i-know", action="store_true", help="Also in production, where it does not belong.")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.IN_PRODUCTION and not options["i_know"]:
            raise CommandError("This is production: the demo's customers and bookings do not belong here (--i-know).")
        if not 0 < options["scale"] <= 1000:
            raise CommandError("--scale must be above 0 and at most 1000.")
        second_operator()
        call_command("seed", verbosity=0)
        default = Tenant.objects.get(slug=settings.DEFAULT_TENANT)
        with tenant_context(default.pk):
            seed_default_operator(scale=options["scale"], seed=options["seed"], say=self.stdout.write)
        with tenant_context(second_operator().pk):
            seed_second_operator(seed=options["seed"], say=self.stdout.write)
        tell_planner()
