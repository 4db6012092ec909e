"""A Lambda function's deployment package, as the notebooks make it."""
from __future__ import annotations

import io
import zipfile


def function_package(code: str, file: str = "function.py", mode: int = 0o644) -> bytes:
    """The zip file with one file of Python code in it, which everybody may read unless `mode` says otherwise:
    https://docs.aws.amazon.com/lambda/latest/dg/python-package.html"""
    archive, entry = io.BytesIO(), zipfile.ZipInfo(file)
    entry.external_attr = mode << 16
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr(entry, code)
    return archive.getvalue()
