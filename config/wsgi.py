"""The door for HTTP. It opens only when the serving role cannot step past row-level security, and no statement is let run on
and on."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection

from config.db.limits import limit_connections
from config.db.roles import refuse_unsafe_role

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
limit_connections(settings.SERVING_LIMITS)
refuse_unsafe_role(connection)
connection.close()
