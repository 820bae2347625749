"""A headless Chromium for a test, through Debian's packages chromium, chromium-driver and python3-selenium."""

import json
import os

from harness import Skip

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
except ImportError:
    webdriver = None

CONSOLE_FINE = ("DevTools listening",)


class Browser:
    """Opens files, and remembers what the page said and asked the network for."""

    def __init__(self, test, width=1280, height=900):
        chromium, driver = test.need("chromium", "chromedriver")
        if webdriver is None:
            raise Skip("python3-selenium is not installed")
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                         "--no-first-run", "--disable-background-networking", "--force-device-scale-factor=1",
                         f"--user-data-dir={test.path('chromium')}", f"--window-size={width},{height}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        environment = dict(test.environment(), PATH=os.environ.get("PATH", "/usr/bin:/bin"))
        self.driver = webdriver.Chrome(service=Service(driver, env=environment), options=options)
        self.test = test

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def open(self, path):
        self.driver.get(f"file://{path}")
        self.script("return document.fonts.ready.then(() => true)")

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def wait(self, what, text, *arguments):
        """Until the script's condition holds; its value."""
        found = self.driver.execute_async_script(f"""
            const [...given] = arguments;
            const done = given.pop();
            const until = Date.now() + 10000;
            (function look() {{
                const found = (function () {{ {text} }}).apply(null, given);
                if (found || Date.now() > until) done(found); else setTimeout(look, 20);
            }})();""", *arguments)
        self.test.check(found, f"{what}: not so after 10 s")
        return found

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def one(self, selector):
        return self.driver.find_element("css selector", selector)

    def text(self, selector):
        return self.script("return document.querySelector(arguments[0])?.textContent ?? null", selector)

    def choose(self, name):
        """A radio button, by its id; its label is what one clicks."""
        self.script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", self.one(f"label[for='{name}']"))
        self.one(f"label[for='{name}']").click()

    def media(self, **features):
        """media("print"), or features such as prefers_color_scheme="dark"."""
        medium = features.pop("medium", "")
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": medium, "features": [
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()]})

    def screenshot(self, name, whole=False):
        path = self.test.path(name)
        if whole:
            height = self.script("return document.documentElement.scrollHeight")
            self.driver.set_window_size(self.driver.get_window_size()["width"], min(height + 100, 12000))
        self.driver.save_screenshot(path)
        return path

    def complaints(self):
        """What the console said, and every address asked for besides the page itself."""
        said = [entry["message"] for entry in self.driver.get_log("browser")
                if not any(fine in entry["message"] for fine in CONSOLE_FINE)]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if not url.startswith(("file:", "data:", "chrome:", "about:")):
                    said.append(f"asked for {url}")
        return said
