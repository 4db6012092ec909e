"""A function reads those files of its package that everybody may read, and no others.

https://docs.aws.amazon.com/lambda/latest/dg/python-package.html: Lambda unpacks with the modes that the zip file gives,
and the function runs as another user than the files' owner. It takes a package with mode 0600 inside, its hash matches,
and then every invocation fails with `[Errno 13] Permission denied: '/var/task/….py'`
(https://github.com/hashicorp/terraform-provider-archive/issues/17). ministack unpacks without modes. An entry without a
mode, as zip files from Windows have them, everybody may read.
"""
from __future__ import annotations

from local_aws.ministack_seam import lambda_runtime

# Runs first in the function's process, which lies beside its package and has it unpacked into the folder `code`. An
# audit hook sees every `open`, those of imports included: https://docs.python.org/3/library/audit_events.html
GUARD = '''
def _refuse_files_closed_to_others():
    import os, sys, zipfile

    folder = os.path.dirname(os.path.abspath(__file__))
    with zipfile.ZipFile(os.path.join(folder, "code.zip")) as package:
        modes = {entry.filename: entry.external_attr >> 16 for entry in package.infolist()}
    closed = {os.path.join(folder, "code", *name.split("/")): "/var/task/" + name
              for name, mode in modes.items() if mode and not mode & 0o004}

    def refuse(event, arguments):
        if event == "open" and isinstance(arguments[0], str) and arguments[0] in closed:
            raise PermissionError(13, "Permission denied", closed[arguments[0]])

    if closed:
        sys.addaudithook(refuse)

_refuse_files_closed_to_others()
'''


def install() -> None:
    """Put the guard before what ministack runs in a function's process."""
    lambda_runtime.replace("_PYTHON_WORKER_SCRIPT", lambda script: GUARD + script)
