import os
from getpass import getpass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts.models import Role, Tenant
from accounts.services.people import make_admin
from config.errors import DomainError, InvalidInput
from config.tenancy import tenant_context


class Command(BaseCommand):
    help = (
        "Give somebody a staff role. Asks for the password, or takes it from RIHLA_ADMIN_PASSWORD. Safe to repeat: a person"
        " who is there already gets the role and the password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--password", help="better left out: other users of the machine can see it")
        parser.add_argument("--first-name", default="Rihla")
        parser.add_argument("--last-name", default="Admin")
        parser.add_argument("--role", default=Role.Code.SUPER_ADMIN, help="SUPER_ADMIN (default), ADMIN, EMPLOYEE …")
        parser.add_argument("--tenant", default=settings.DEFAULT_TENANT, help="the operator's slug")
        parser.add_argument("--platform", action="store_true", help="may do everything for every operator")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            validate_email(options["email"])
        except ValidationError as fault:
            raise CommandError(f"{options['email']} is no e-mail address.") from fault
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no operator {options['tenant']}. Run `manage.py prepare` first.")
        password = options["password"] or os.environ.get("RIHLA_ADMIN_PASSWORD") or self.ask()
        with tenant_context(tenant.pk):
            if not Role.objects.filter(code=options["role"]).exists():
                raise CommandError(f"There is no role {options['role']}.")
            try:
                user = make_admin(
                    email=options["email"],
                    password=password,
                    first_name=options["first_name"],
                    last_name=options["last_name"],
                    role=options["role"],
                    runs_the_platform=options["platform"],
                )
            except InvalidInput as refusal:
                raise CommandError(" ".join(str(s) for faults in refusal.details.values() for s in faults)) from refusal
            except DomainError as refusal:
                raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{user.email} is {options['role']} of {tenant.slug}")

    def ask(self) -> str:
        password = getpass("Password: ")
        if password != getpass("The same again: "):
            raise CommandError("The two passwords are not the same.")
        return password
