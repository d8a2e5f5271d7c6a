"""The house keeps its order: what may import what, what each layer must not know, where things stand."""

import ast
import os
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SERVICE = ROOT / "service"

TOP_LEVEL = {
    "service", "tests", "benchmarks", "deploy", "docs", "openapi.yaml", "Dockerfile", "docker-compose.yml",
    "requirements.txt", "pyproject.toml", "Makefile", "README.md",
}  # fmt: skip

LONGEST_MODULE = 400
"""Lines that a reader holds in mind: a longer module is of more than one subject."""

CORE_MAY_IMPORT = {"numpy", "scipy", "lark", "service"} | sys.stdlib_module_names
CORE_MUST_NOT_IMPORT = {"os", "logging", "socket", "subprocess", "time", "datetime", "random", "pickle"}

LAYERS = [
    "exceptions",
    "suggestions",
    "limits",
    "arrays",
    "activations",
    "language",
    "losses",
    "calculus",
    "descent",
]
"""Inside the core, a later layer may import an earlier one, never the other way round."""


FLASK = "https://flask.palletsprojects.com/en/stable/"
WERKZEUG = "https://werkzeug.palletsprojects.com/en/stable/"
MARSHMALLOW = "https://marshmallow.readthedocs.io/en/latest/"

DOCUMENTED_OVERRIDES = {
    "service.app.Application.url_map_class": f"{FLASK}api/#flask.Flask.url_map_class",
    "service.app.Router.match": f"{WERKZEUG}routing/#werkzeug.routing.MapAdapter.match",
    "service.app.Routes.bind_to_environ": f"{WERKZEUG}routing/#werkzeug.routing.Map.bind_to_environ",
    "service.api.answers.ReadyResponse.__call__": f"{WERKZEUG}wrappers/#werkzeug.wrappers.Response.__call__",
    "service.api.all_workers._Sum.collect": "https://prometheus.github.io/client_python/collector/custom/",
    "service.api.fields.*._deserialize": f"{MARSHMALLOW}custom_fields.html#creating-a-field-class",
    "service.api.fields.StrictField.default_error_messages": f"{MARSHMALLOW}custom_fields.html",
    "service.server.worker.Worker.CONFIG_KWARGS": "https://uvicorn.dev/deployment/#gunicorn",
    "service.server.worker.Worker.init_process": "gunicorn.workers.base.Worker.init_process, its docstring",
    "service.server.worker.Worker.run": "gunicorn.workers.base.Worker.run, its docstring",
}
"""What our classes override of a dependency's class, and where that dependency invites to do so."""


def modules() -> list[Path]:
    return sorted(SERVICE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Return every module that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layer_of(path: Path) -> str:
    relative = path.relative_to(SERVICE / "core")
    stem = relative.parts[0].removesuffix(".py")
    return layer_named(stem)


def layer_named(module: str) -> str:
    """Return the layer of a module: its own, or that of the module it was parted from."""
    return "activations" if module.endswith(("_kernels", "_gradients")) else module


@pytest.mark.parametrize("path", sorted((SERVICE / "core").rglob("*.py")), ids=lambda path: path.name)
def test_the_core_imports_numpy_lark_and_the_standard_library_alone(path):
    roots = {name.split(".")[0] for name in imports(path)}

    assert roots <= CORE_MAY_IMPORT
    assert not roots & CORE_MUST_NOT_IMPORT


@pytest.mark.parametrize("path", sorted((SERVICE / "core").rglob("*.py")), ids=lambda path: path.name)
def test_layers_of_the_core_import_downwards(path):
    layer = layer_of(path)
    if layer == "__init__":
        return
    for name in imports(path):
        if name.startswith("service."):
            assert name.startswith("service.core."), f"{path.name} reaches out of the core: {name}"
            other = name.split(".")[2]
            other = layer_named(other)
            assert LAYERS.index(other) <= LAYERS.index(layer), f"{layer} imports {name}"


@pytest.mark.parametrize("path", sorted((SERVICE / "work").rglob("*.py")), ids=lambda path: path.name)
def test_what_schedules_computations_knows_nothing_of_http(path):
    allowed = sys.stdlib_module_names - {"http", "socket", "email", "urllib"}

    for name in imports(path):
        assert name.split(".")[0] in allowed or name.startswith(("service.core.limits", "service.work")), name


def test_the_core_works_without_flask_and_marshmallow():
    program = (
        "import sys\n"
        "sys.modules['flask'] = sys.modules['marshmallow'] = None\n"
        "from service.core import softmax, cross_entropy, gradient, descent\n"
        "print(gradient('x[0]**2 + x[1]**2', {'x': [3, 4]})['gradient']['x'].tolist())\n"
    )

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "[6.0, 8.0]\n"
    assert done.stderr == ""


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SERVICE)))
def test_nothing_of_the_callers_can_reach_an_interpreter(path):
    """Only `generated` runs source, and what it runs comes from the tables."""
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    forbidden = {"eval", "__import__", "exec", "compile"}
    allowed = (
        {"exec", "compile"} if path.relative_to(SERVICE).as_posix() == "core/calculus/generated.py" else set()
    )

    assert calls & forbidden <= allowed
    assert not {name.split(".")[0] for name in imports(path)} & {"ast", "pickle", "marshal", "shelve"}


def test_nothing_is_overridden_but_what_a_dependency_documents(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.overrides"],
        cwd=ROOT,
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    found = set(done.stdout.split())
    unknown = {name for name in found if not any(fnmatch(name, each) for each in DOCUMENTED_OVERRIDES)}
    assert not unknown
    assert all(any(fnmatch(name, each) for name in found) for each in DOCUMENTED_OVERRIDES)


def test_the_visible_top_level_is_the_agreed_one():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    top = {line.split("/")[0] for line in tracked.splitlines()}

    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize("path", sorted(SERVICE.rglob("*.py")), ids=lambda path: path.name)
def test_no_module_is_longer_than_a_reader_holds_in_mind(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


def test_a_name_of_a_class_or_type_stands_for_one_thing():
    where: dict[str, list[str]] = {}
    for path in modules():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [node.name] if isinstance(node, ast.ClassDef) else []
            if isinstance(node, ast.Assign):
                names = [each.id for each in node.targets if isinstance(each, ast.Name)]
            for name in names:
                if name[0].isupper() and not name.isupper():
                    where.setdefault(name, []).append(path.relative_to(SERVICE).as_posix())

    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


@pytest.mark.parametrize("name", ["requirements.txt", "tests/requirements.txt"])
def test_every_dependency_is_pinned_and_has_a_reason(name):
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin, _, reason = line.partition("#")
            assert "==" in pin, line
            assert reason.strip(), line


def test_the_extra_is_what_the_tests_and_the_page_install():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = project["optional-dependencies"]["tracing"]
    tested = (ROOT / "tests" / "requirements.txt").read_text()
    page = (ROOT / "docs" / "operations.md").read_text()

    assert extra
    for pin in extra:
        assert f"\n{pin} #" in tested
        assert pin in page


@pytest.mark.parametrize("module", sorted(path.stem for path in (ROOT / "benchmarks").glob("[a-z]*.py")))
def test_every_benchmark_begins(module):
    """Each imports what it measures, and says how it is run; what it measures takes minutes."""
    told = subprocess.run(
        [sys.executable, "-c", f"import benchmarks.{module}"], cwd=ROOT, capture_output=True, text=True
    )

    assert (told.returncode, told.stderr) == (0, "")
