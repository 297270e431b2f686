"""What the processes of the embedded stack find in their environment, and what of it is kept in `var/`."""

import os
import re
import secrets
import socket
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from config.embedded.processes import EmbeddedError

SECRET_LETTERS = string.ascii_letters + string.digits
LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines, values perhaps in quotes; anything else is left out."""
    if not path.exists():
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        match = LINE.fullmatch(line)
        if match and not line.lstrip().startswith("#"):
            name, value = match.groups()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            found[name] = value[1:-1] if quoted else re.split(r"\s#", value)[0].rstrip()
    return {name: value for name, value in found.items() if value}


def given_environment(root: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """What was set before we add anything: the environment, else `.env`."""
    return {**read_env_file(root / ".env"), **inherited}


def kept(path: Path, make: Callable[[], str]) -> str:
    """The text in the file; made on the first start and readable by its owner only."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        text = make()
    except PermissionError as refusal:
        raise EmbeddedError(f"{path} cannot be read: it belongs to the user who started Rihla before.") from refusal
    partial = path.with_name(path.name + ".new")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as writing:
        writing.write(text + "\n")
    partial.replace(path)
    return text


def make_secret() -> str:
    return "".join(secrets.choice(SECRET_LETTERS) for _ in range(64))


def port_is_free(port: int) -> bool:
    with socket.socket() as asking:
        asking.settimeout(1)
        if asking.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def pick_free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def web_port(given: Mapping[str, str]) -> int:
    """The port asked for. Raises a sentence when it cannot be used."""
    text = given.get("PORT") or "8000"
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise EmbeddedError(f"PORT={text} is not a port. Choose a number, for example: make run PORT=8010")
    port = int(text)
    if not port_is_free(port):
        why = "needs root's rights" if port < 1024 and os.getuid() != 0 else "is used by another program"
        raise EmbeddedError(
            f"Port {port} {why}. Choose another, for example: make run PORT={port + 10 if port < 60000 else 8010}"
        )
    return port


def sandbox_port(var: Path, web: int) -> int:
    """The same port at each start, so that addresses given out stay good; another one only where it is taken."""
    file = var / "sandbox_port"
    port = int(kept(file, lambda: str(pick_free_port())))
    if port == web or not port_is_free(port):
        file.unlink()
        port = int(kept(file, lambda: str(pick_free_port())))
    return port


def base_environment(root: Path, var: Path, inherited: Mapping[str, str], port: int) -> dict[str, str]:
    """Everything but the addresses of the servers. What the caller or `.env` has set stays, but for ENVIRONMENT."""
    given = given_environment(root, inherited)
    defaults = {
        "ALLOW_SANDBOX": "true",
        "SANDBOX_URL": f"http://127.0.0.1:{sandbox_port(var, port)}",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": kept(var / "secret_key", make_secret),
        "SANDBOX_SIGNING_KEY": kept(var / "sandbox_signing_key", make_secret),
        "SANDBOX_STATE": str(var / "sandbox.sqlite3"),
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "MAIL_DIR": str(var / "mail"),
        "MEDIA_ROOT": str(var / "media"),
        "STATIC_ROOT": str(var / "static"),
        "METRICS_DIR": str(var / "metrics"),
        "SEED_SCALE": "1",
    }
    chosen = {name: given.get(name) or value for name, value in defaults.items()}
    return {**given, **chosen, "PORT": str(port), "ENVIRONMENT": "embedded", "PYTHONUNBUFFERED": "1"}


def without_postgres_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Drop PGHOST, PGSERVICE and their kin: libpq would let them add to the addresses we give."""
    return {name: value for name, value in environment.items() if not re.fullmatch(r"PG[A-Z]+", name)}


def broker_at(redis_url: str) -> str:
    """Where only REDIS_URL is given, its server carries the queue as well."""
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return f"redis+socket://{parts.path}"
    return redis_url
