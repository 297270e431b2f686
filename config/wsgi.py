"""The door for HTTP. It opens only when the serving role cannot step past row-level security."""

import os

from django.core.wsgi import get_wsgi_application
from django.db import connection

from config.db.roles import refuse_unsafe_role

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
refuse_unsafe_role(connection)
connection.close()
