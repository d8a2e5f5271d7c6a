"""Print what the service's classes override of its dependencies' classes: one `module.Class.name` a line.

A program of its own, because `service.gunicorn_conf` changes the process that imports it.
"""

import ast
import importlib
import inspect
import pkgutil
import sys

import service

OWN = {"service", "builtins"} | sys.stdlib_module_names


def defined(node):
    """List the names that a class's body binds."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            yield item.name
        elif isinstance(item, ast.Assign):
            yield from (target.id for target in item.targets if isinstance(target, ast.Name))
        elif isinstance(item, ast.AnnAssign) and item.value is not None:
            yield item.target.id


def overrides(module):
    """List what a module's classes override of classes from elsewhere."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        found = vars(module).get(node.name) if isinstance(node, ast.ClassDef) else None
        if found is None:
            continue
        foreign = [base for base in found.__mro__ if base.__module__.partition(".")[0] not in OWN]
        for name in defined(node):
            if name != "__init__" and any(name in vars(base) for base in foreign):
                yield f"{module.__name__}.{node.name}.{name}"


if __name__ == "__main__":
    for found in pkgutil.walk_packages(service.__path__, "service."):
        if found.name != "service.__main__":
            print(*overrides(importlib.import_module(found.name)), sep="\n")
