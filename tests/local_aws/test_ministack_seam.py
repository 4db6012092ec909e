"""The one seam to ministack: all of it is declared, checked at the start, and used."""
from __future__ import annotations

import ast
import re
from pathlib import Path

from aws_under_test import ROOT

PACKAGE = ROOT / "scripts" / "local_aws"
SEAM = PACKAGE / "ministack_seam.py"


def imported(file: Path) -> set[str]:
    """The top-level modules that a file imports, wherever in it."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return {name.split(".")[0] for node in nodes for name in (
        [alias.name for alias in node.names] if isinstance(node, ast.Import)
        else [node.module or ""] if isinstance(node, ast.ImportFrom) else [])}


def test_no_other_module_imports_ministack():
    assert [file.name for file in PACKAGE.rglob("*.py") if "ministack" in imported(file)] == []


def test_every_declared_name_is_used():
    """`dynamodb._tables` and its like, and `dynamodb.replace("_remove_item", …)`."""
    declared = {(module.targets[0].id, key.value)
                for module in ast.parse(SEAM.read_text(encoding="utf-8")).body
                if isinstance(module, ast.Assign) and isinstance(module.value, ast.Call)
                and getattr(module.value.func, "id", "") == "Module"
                for names in module.value.keywords for key in names.value.keys}
    code = "\n".join(file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py") if file != SEAM)
    used = set(re.findall(r"\b(\w+)\.(\w+)", code)) | set(re.findall(r'\b(\w+)\.replace\("(\w+)"', code))
    used |= {("app", name) for module, name in used if module == "ministack"}  # server's name for it
    assert len(declared) > 50 and declared - used == set()


def test_a_name_that_ministack_lacks_is_told_in_one_sentence(aws):
    done = aws.python("""
from ministack.services import dynamodb
del dynamodb._emit_stream_event
from local_aws import ministack_seam
ministack_seam.check()
""")
    assert re.search(r"SetupError: ministack [\d.]+ lacks ministack\.services\.dynamodb\._emit_stream_event, which the "
                     r"local AWS needs: .+\.$", done.stderr.strip())


def test_a_name_is_declared_before_it_is_used_and_replaced_once(aws):
    done = aws.python("""
from local_aws.ministack_seam import dynamodb
for use in (lambda: dynamodb._lock, lambda: dynamodb.replace("_tables", lambda old: {}),
            lambda: dynamodb.replace("_remove_item", lambda old: old),
            lambda: dynamodb.replace("_remove_item", lambda old: old)):
    try:
        use()
        print("done")
    except (AttributeError, RuntimeError) as error:
        print(error)
""")
    assert done.stdout.splitlines() == [
        "ministack.services.dynamodb._lock is not declared in local_aws.ministack_seam",
        "ministack.services.dynamodb._tables is not declared as replaced in local_aws.ministack_seam", "done",
        "ministack.services.dynamodb._remove_item is replaced already"]
