#!/usr/bin/env python
"""Django's command line for Rihla."""

import os
import sys

from django.core.management import execute_from_command_line

# These change tables, so they run as the owner; every other command serves under the policies.
AS_OWNER = {"prepare", "migrate", "flush", "sqlmigrate"}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if len(sys.argv) > 1 and sys.argv[1] in AS_OWNER:
        os.environ["RIHLA_AS_OWNER"] = "true"
    execute_from_command_line(sys.argv)
