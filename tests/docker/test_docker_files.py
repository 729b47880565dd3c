"""What the images are built from and what they run, checked without a container engine."""

import json
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from quoth.app.cli.chat import chat

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILES = ("cpu.Dockerfile", "cuda.Dockerfile")
PORT = "7860"


@dataclass(frozen=True, slots=True)
class Instruction:
    name: str
    value: str

    @property
    def exec_form(self) -> list[str]:
        """The arguments of an instruction that is written as JSON."""
        return json.loads(self.value[self.value.index("[") :])


def instructions(file: str) -> list[Instruction]:
    text = (ROOT / "docker" / file).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines()]


def values(file: str, name: str) -> list[str]:
    return [one.value for one in instructions(file) if one.name == name]


def command(file: str) -> list[str]:
    return next(one.exec_form for one in instructions(file) if one.name == "CMD")


def copied_from_the_repository(file: str) -> list[str]:
    copies = [value.split() for value in values(file, "COPY") if not value.startswith("--from")]
    return [source for words in copies for source in words[:-1]]


def reaches_the_builder(path: str) -> bool:
    """What .dockerignore says of a path: the last line that matches it or a folder above wins."""
    verdict = True
    parts = Path(path).parts
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        if pattern and not pattern.startswith("#"):
            anywhere = pattern.removeprefix("**/")
            names = [Path(one).name for one in above] if pattern != anywhere else above
            if any(fnmatch(one, anywhere) for one in names):
                verdict = line.startswith("!")
    return verdict


def test_the_ignore_file_is_read_as_docker_reads_it() -> None:
    assert reaches_the_builder("app/ui/style.css")
    assert reaches_the_builder("docs/guide/handbook.pdf")
    assert not reaches_the_builder("docs/handbook.html")
    assert not reaches_the_builder("app/__pycache__/x.pyc")
    assert not reaches_the_builder(".git/config")


@pytest.mark.parametrize("file", DOCKERFILES)
class TestDockerfile:
    def test_copies_what_is_there(self, file: str) -> None:
        sources = copied_from_the_repository(file)
        assert sources
        for source in sources:
            assert (ROOT / source).exists(), source
            assert reaches_the_builder(source), source

    def test_copies_every_folder_of_the_package(self, file: str) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        folders = project["tool"]["setuptools"]["package-dir"].values()
        needed = {folder.split("/")[0] for folder in folders}
        assert needed <= set(copied_from_the_repository(file))

    def test_base_images_have_a_version(self, file: str) -> None:
        bases = [value.split()[0] for value in values(file, "FROM")]
        assert bases
        assert all(re.search(r":\d+\.\d+", base) for base in bases)

    def test_installs_only_what_the_constraints_pin(self, file: str) -> None:
        installs = [value for value in values(file, "RUN") if "pip install" in value]
        assert installs
        for install in installs:
            assert "--constraint /opt/quoth/constraints.txt" in install
            assert "--no-cache-dir" in install

    def test_runs_as_somebody_with_no_rights(self, file: str) -> None:
        user, group = values(file, "USER")[-1].split(":")
        assert int(user) > 0
        assert int(group) > 0
        assert f"--uid {user} " in "".join(values(file, "RUN"))

    def test_what_is_written_goes_to_the_volume(self, file: str) -> None:
        volume = values(file, "VOLUME")[0]
        environment = dict(pair.split("=", 1) for pair in " ".join(values(file, "ENV")).split())
        assert environment["QUOTH_HOME"] == volume
        assert environment["HF_HOME"].startswith(f"{volume}/")
        assert values(file, "WORKDIR")[-1] == volume

    def test_the_command_is_one_that_the_chat_understands(self, file: str) -> None:
        program, subcommand, *arguments = command(file)
        assert (program, subcommand) == ("quoth", "chat")
        options = chat.make_context("chat", arguments).params
        assert options["host"] == "0.0.0.0"
        assert str(options["port"]) == values(file, "EXPOSE")[0]

    def test_the_first_start_has_documents(self, file: str) -> None:
        folder = command(file)[command(file).index("--docs") + 1]
        source = next(value.split()[0] for value in values(file, "COPY") if value.endswith(folder))
        assert any((ROOT / source).iterdir())


def test_both_images_differ_only_in_their_pytorch() -> None:
    def without_pytorch(file: str) -> list[Instruction]:
        kept = (
            Instruction(one.name, re.sub(r"\s*NVIDIA_\w+=\S+", "", one.value))
            for one in instructions(file)
        )
        return [one for one in kept if not one.value.startswith("TORCH_INDEX=")]

    assert without_pytorch(DOCKERFILES[0]) == without_pytorch(DOCKERFILES[1])


class Answering(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def listening(status: int) -> Iterator[str]:
    handler = type("Handler", (Answering,), {"status": status})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield str(server.server_port)
        finally:
            server.shutdown()
            thread.join()


def is_healthy(file: str, port: str) -> bool:
    program, *arguments = next(
        one.exec_form for one in instructions(file) if one.name == "HEALTHCHECK"
    )
    assert program == "python"
    assert PORT in arguments[-1]
    asked = [argument.replace(PORT, port) for argument in arguments]
    done = subprocess.run([sys.executable, *asked], check=False, capture_output=True, timeout=30)
    return done.returncode == 0


@pytest.mark.parametrize("file", DOCKERFILES)
class TestHealthCheck:
    def test_passes_where_the_chat_answers(self, file: str) -> None:
        with listening(200) as port:
            assert is_healthy(file, port)

    def test_fails_where_the_chat_is_broken(self, file: str) -> None:
        with listening(500) as port:
            assert not is_healthy(file, port)

    def test_fails_where_nothing_listens(self, file: str) -> None:
        with listening(200) as port:
            pass
        assert not is_healthy(file, port)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", DOCKERFILES)
class TestCompose:
    def service(self, compose: dict[str, Any], file: str) -> dict[str, Any]:
        services = compose["services"].values()
        return next(one for one in services if one["build"]["dockerfile"] == f"docker/{file}")

    def test_builds_from_the_root(self, compose: dict[str, Any], file: str) -> None:
        context = ROOT / "docker" / self.service(compose, file)["build"]["context"]
        assert context.resolve() == ROOT

    def test_publishes_the_port_to_this_machine_only(
        self, compose: dict[str, Any], file: str
    ) -> None:
        (port,) = self.service(compose, file)["ports"]
        assert port.startswith("127.0.0.1:")
        assert port.endswith(f":{values(file, 'EXPOSE')[0]}")

    def test_mounts_what_the_image_expects(self, compose: dict[str, Any], file: str) -> None:
        mounts = [mount.split(":") for mount in self.service(compose, file)["volumes"]]
        by_target = {mount[1]: mount for mount in mounts if mount[0] in compose["volumes"]}
        assert list(by_target) == values(file, "VOLUME")
        documents = next(mount for mount in self.service(compose, file)["volumes"] if "ro" in mount)
        assert f":{command(file)[-1]}:ro" in documents

    def test_documents_are_there_by_default(self, compose: dict[str, Any], file: str) -> None:
        mount = next(one for one in self.service(compose, file)["volumes"] if one.endswith(":ro"))
        default = re.search(r":-([^}]+)\}", mount)
        assert default
        assert any((ROOT / "docker" / default[1]).iterdir())

    def test_only_the_volume_and_tmp_can_be_written(
        self, compose: dict[str, Any], file: str
    ) -> None:
        service = self.service(compose, file)
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]


CODE = {".py", ".pyc", ".pyi", ".pyx", ".cpp", ".so", ".pyd"}


def data_files() -> set[str]:
    """What the packages hold beside code, by its path in the wheel."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "setuptools"
    ]
    found = set()
    for package in setuptools["packages"]:
        top = max(
            (name for name in setuptools["package-dir"] if f"{package}.".startswith(f"{name}.")),
            key=len,
        )
        inner = package.removeprefix(top).lstrip(".").replace(".", "/")
        folder = ROOT / setuptools["package-dir"][top] / inner
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix not in CODE:
                found.add(f"{package.replace('.', '/')}/{path.relative_to(folder).as_posix()}")
    return found


@pytest.fixture
def build_context(tmp_path: Path) -> Path:
    """The files that the wheel is built from in the first stage."""
    context = tmp_path / "source"
    context.mkdir()
    junk = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for source in copied_from_the_repository("cpu.Dockerfile"):
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, context / source, symlinks=True, ignore=junk)
        else:
            shutil.copyfile(ROOT / source, context / source)
    return context


def test_the_wheel_holds_the_data_files(build_context: Path, tmp_path: Path) -> None:
    """Built as in the images, but with the setuptools that is here (torch needs one)."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    wheels = ["--wheel-dir", str(tmp_path), str(build_context)]
    subprocess.run([*pip, *wheels], check=True, timeout=300)
    (wheel,) = tmp_path.glob("quoth-*.whl")
    held = set(ZipFile(wheel).namelist())
    assert {"quoth/py.typed", "quoth/decoding/models/quoth_mini/model.safetensors"} <= held
    assert data_files() - held == set()
    assert not [name for name in held if not name.startswith("quoth")]
