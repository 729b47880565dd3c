import socket
import urllib.request
from urllib.error import HTTPError

import pytest

from helpers.scripted_assistant import Own, ScriptedAssistant
from quoth.app.ui.serve import free_port, running
from quoth.errors import ServeError
from quoth.retrieval import LoadLimits


@pytest.fixture(scope="module")
def url():
    assistant = ScriptedAssistant({"a": "Alpha."}, {"a": "alpha.md"}, lambda _: [Own("Yes.")])
    with running(assistant, port=0) as address:
        yield address


def test_a_port_in_use_is_one_clear_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServeError) as raised:
            free_port("127.0.0.1", port)
    message = f"Port {port} on 127.0.0.1 is in use. Choose another with --port."
    assert str(raised.value) == message


def test_an_address_of_another_machine_is_one_clear_line():
    with pytest.raises(ServeError, match=r"'192\.0\.2\.1' is not an address of this machine"):
        free_port("192.0.2.1", 0)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_does_not_exist_is_one_clear_line(port):
    with pytest.raises(ServeError, match=f"There is no port {port}"):
        free_port("127.0.0.1", port)


def test_port_zero_gives_one_that_is_free():
    assert free_port("127.0.0.1", 0) > 0


def test_every_answer_keeps_the_page_to_itself(url):
    with urllib.request.urlopen(url) as response:
        policy = response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "http" not in policy


def test_no_function_of_the_page_is_offered_as_an_api(url):
    with urllib.request.urlopen(f"{url}gradio_api/info") as response:
        assert response.read() == b'{"named_endpoints":{},"unnamed_endpoints":{}}'


@pytest.mark.parametrize("path", ["/etc/passwd", "pyproject.toml", "app/ui/page.py"])
def test_no_file_of_the_machine_is_served(url, path):
    with pytest.raises(HTTPError) as raised:
        urllib.request.urlopen(f"{url}gradio_api/file={path}")
    assert raised.value.code in {403, 404}
    raised.value.close()


def test_importing_the_chat_loads_no_web_framework():
    import subprocess
    import sys

    code = "import sys, quoth.app.ui.serve; sys.exit('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def upload(url: str, size: int) -> int:
    """The status that a file of this size gets."""
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
    request = urllib.request.Request(
        f"{url}gradio_api/upload",
        data=head + bytes(size) + b"\r\n--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    with urllib.request.urlopen(request) as response:
        return response.status


def test_a_file_may_be_as_large_as_the_loaders_allow(url):
    assert upload(url, LoadLimits().max_bytes) == 200
    with pytest.raises(HTTPError) as raised:
        upload(url, LoadLimits().max_bytes + 1)
    assert raised.value.code == 413
    raised.value.close()
