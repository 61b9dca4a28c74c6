"""Headless Chromium, spoken to over its debugging pipe: no driver, no port, no further library.

Source: https://chromedevtools.github.io/devtools-protocol/; messages are JSON that ends in NUL.
"""

import base64
import fcntl
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

PATIENCE_S: Final = 60.0
"""For one answer; a loaded machine is slow, a browser that hangs is not waited for any longer."""

_SWITCHES: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio"),
    "--remote-debugging-pipe",
)

_START: Final = """
import os, sys
commands, answers, *argv = sys.argv[1:]
os.dup2(int(commands), 3)
os.dup2(int(answers), 4)
os.execvp(argv[0], argv)
"""
"""Chromium reads commands from descriptor 3 and answers on 4."""

_Json = dict[str, Any]

KEYS: Final[Mapping[str, int]] = {
    "ArrowRight": 39,
    "ArrowLeft": 37,
    "ArrowDown": 40,
    "Home": 36,
    "End": 35,
    "Escape": 27,
    "Tab": 9,
    " ": 32,
    "Enter": 13,
}
"""Windows' key codes, which the protocol wants."""


class Browser:
    """A Chromium of our own, with a profile of its own; ends with the ``with`` statement."""

    def __init__(self, program: str, profile: Path) -> None:
        to_read, our_write = os.pipe()
        our_read, to_write = os.pipe()
        # Away from 3 and 4, which the child makes of them.
        theirs = tuple(fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_read, to_write))
        argv = [program, *_SWITCHES, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *map(str, theirs), *argv],
            pass_fds=theirs,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(profile)},
        )
        for end in (to_read, to_write, *theirs):
            os.close(end)
        self._write, self._read = our_write, our_read
        self._buffer = b""
        self._number = 0
        self._events: list[_Json] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.call("Browser.close")
            self._process.wait(timeout=10)
        except (OSError, EOFError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, session: str = "", **parameters: object) -> _Json:
        """Send a command and return its result."""
        self._number += 1
        number = self._number
        message: _Json = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") != number:
                self._events.append(answer)
                continue
            assert "error" not in answer, f"{method}: {answer}"
            found: _Json = answer["result"]
            return found

    def events(self, session: str) -> list[_Json]:
        """Return what a tab told without being asked, and forget it."""
        found = [event for event in self._events if event.get("sessionId") == session]
        self._events = [event for event in self._events if event.get("sessionId") != session]
        return found

    def wait_for(self, session: str, method: str) -> None:
        """Read until a tab has told of something; what else comes is kept."""
        while True:
            if any(e.get("sessionId") == session and e["method"] == method for e in self._events):
                return
            self._events.append(self._message())

    def tab(self) -> "Tab":
        """Open a tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Tab(self, session)

    def _message(self) -> _Json:
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], PATIENCE_S)[0]:
                raise TimeoutError("the browser is silent")
            found = os.read(self._read, 1 << 20)
            if not found:
                raise EOFError("the browser has ended")
            self._buffer += found
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: _Json = json.loads(line)
        return message


class Tab:
    """One page, and everything it asked for or complained of."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.requests: list[str] = []
        """Addresses of all that was fetched, the page itself first."""
        self.complaints: list[str] = []
        """What the console said: errors, warnings, violations of the page's policy."""
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def open(
        self, path: Path, *, width: int = 1000, dark: bool = False, script: bool = True
    ) -> None:
        """Load a file in a window of a width, and wait until all of it is there."""
        self._call("Emulation.setScriptExecutionDisabled", value=not script)
        self.resize(width)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url=path.as_uri())
        self._browser.wait_for(self._session, "Page.loadEventFired")
        self._listen()

    def resize(self, width: int, height: int = 900) -> None:
        """Give the window a size."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def print_(self) -> bytes:
        """Return the page as PDF, as a printer would have it."""
        return base64.b64decode(self._call("Page.printToPDF")["data"])

    def look_as_print(self) -> None:
        """Have the window show what paper would."""
        self._call("Emulation.setEmulatedMedia", media="print")

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 (any value JSON can hold)
        """Return the value of an expression in the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        self._listen()
        return answer["result"].get("value")

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key and let it go."""
        code = KEYS[key]
        text = {" ": " ", "Enter": "\r"}.get(key)
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            event: _Json = {
                "type": kind,
                "key": key,
                "code": "Space" if key == " " else key,
                "windowsVirtualKeyCode": code,
                "modifiers": 8 if shift else 0,
            }
            if text and kind == "keyDown":
                event["text"] = text
            self._call("Input.dispatchKeyEvent", **event)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Write what is to be seen as PNG."""
        found = self._call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def height(self) -> int:
        """Return the height of the whole page, px."""
        found = self._call("Page.getLayoutMetrics")["cssContentSize"]["height"]
        return int(found)

    def _call(self, method: str, **parameters: object) -> _Json:
        return self._browser.call(method, self._session, **parameters)

    def _listen(self) -> None:
        for event in self._browser.events(self._session):
            found = event.get("params", {})
            match event["method"]:
                case "Network.requestWillBeSent":
                    self.requests.append(found["request"]["url"])
                case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                    self.complaints.append(json.dumps(found))
                case "Log.entryAdded":
                    self.complaints.append(found["entry"]["text"])
                case _:
                    pass
