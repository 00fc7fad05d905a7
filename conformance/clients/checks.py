"""What the Python scripts share: the endpoints under test, and how a check is told."""

import json
import os
import traceback
import uuid


def endpoints():
    """The description of what to call, from the file named by KARVAN_ENDPOINTS (see README.md)."""
    with open(os.environ["KARVAN_ENDPOINTS"], encoding="utf-8") as file:
        return json.load(file)


def message_id():
    return f"conformance-{uuid.uuid4()}"


class NotRun(Exception):
    """What a check needs is not on this machine; the text names it."""


class Checks:
    """Runs functions; each is one check. The lines it prints are what run.sh counts."""

    def __init__(self, tool):
        self.tool = tool
        self.failed = 0

    def __call__(self, check):
        name = check.__name__.replace("_", " ")
        try:
            check()
        except NotRun as reason:
            print(f"not run {self.tool}: {name}: {reason}")
        except Exception as error:  # noqa: BLE001 - whatever it is, this check has failed
            self.failed += 1
            print(f"not ok {self.tool}: {name}: {type(error).__name__}: {error}")
            if not isinstance(error, AssertionError):
                traceback.print_exc()
        else:
            print(f"ok {self.tool}: {name}")
        return check

    def finish(self):
        raise SystemExit(1 if self.failed else 0)


def expect(actual, expected, what="value"):
    assert actual == expected, f"{what}: expected {expected!r}, got {actual!r}"
