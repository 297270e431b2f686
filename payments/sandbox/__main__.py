"""`python -m payments.sandbox --port 8010`: the gateway, without Django."""

import argparse
import logging
import os
import sys

from payments.sandbox.server import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="payments.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8010)
    parser.add_argument("--state", default=os.environ.get("SANDBOX_STATE", "var/sandbox.sqlite3"))
    options = parser.parse_args()
    key = os.environ.get("SANDBOX_SIGNING_KEY", "")
    if not key:
        print("SANDBOX_SIGNING_KEY is not set.", file=sys.stderr)  # noqa: T201
        return 2
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(message)s")
    run(host=options.host, port=options.port, state=options.state, key=key)
    return 0


if __name__ == "__main__":
    sys.exit(main())
